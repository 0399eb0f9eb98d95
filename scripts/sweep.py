"""python scripts/sweep.py [study=NAME] [overrides]: a study, `regularizers` if none is named, then its table.

Overrides replace the study's own choices: `seed=0,1,2`, `study.baseline=l2`, `dataset=mnist`.
"""

import sys

from ablate.cli.main import main, with_study
from ablate.utils.leaving import leave


def command(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    named = any(argument.startswith("study=") for argument in arguments)
    return main(["-m", *(arguments if named else with_study(arguments, "regularizers"))])


if __name__ == "__main__":
    leave(lambda: command(sys.argv[1:]))
