"""python scripts/compare.py FOLDER…: `ablate compare`, the table of what is finished, also while a sweep runs."""

import sys

from ablate.cli.main import subcommand
from ablate.utils.leaving import leave

if __name__ == "__main__":
    leave(lambda: subcommand("compare", sys.argv[1:]))
