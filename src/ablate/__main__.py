"""`python -m ablate` and the console script `ablate`: the command line."""

import sys
from typing import NoReturn

from ablate.utils import interrupts
from ablate.utils.leaving import leave


def console() -> NoReturn:
    """The console script."""
    sys.path.append("")  # as `python -m` has it: a _target_ may name what lies in the folder that one is in
    leave(_main)


def _main() -> int:
    from ablate.cli.main import main  # takes a moment, and signals are heeded already

    interrupts.check()
    return main()


if __name__ == "__main__":
    console()
