"""python scripts/sweep.py [study=NAME] [overrides]: a study, `regularizers` if none is named, then its table.

Overrides replace the study's own choices: `seed=0,1,2`, `study.baseline=l2`, `dataset=mnist`.
"""

import sys

from ablate.cli import main, with_study

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        sys.exit(0)
    named = any(argument.startswith("study=") for argument in sys.argv[1:])
    sys.exit(main(["-m", *(sys.argv[1:] if named else with_study(sys.argv[1:], "regularizers"))]))
