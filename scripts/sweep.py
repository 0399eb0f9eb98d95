"""python scripts/sweep.py [overrides]: the README's study, then its table.

Overrides replace the study's own choices: `seed=range(10)`, `regularizer=none,l1`, `dataset=mnist`.
"""

import sys

from ablate.cli import main

STUDY = ["regularizer=none,l1,l2,dropout", "seed=0,1,2"]

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        sys.exit(0)
    sys.exit(main(["-m", *STUDY, *sys.argv[1:]]))
