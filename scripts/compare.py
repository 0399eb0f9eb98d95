"""python scripts/compare.py DIR…: the table of what is finished below these folders, also while a sweep runs."""

import sys
from pathlib import Path

from ablate.comparison import conclude

if __name__ == "__main__":
    if not sys.argv[1:] or sys.argv[1].startswith("-"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    sys.exit(conclude([Path(folder) for folder in sys.argv[1:]]))
