"""The table of what is finished below some folders, also while a sweep runs. It is written into the first."""

import argparse
from pathlib import Path

from ablate.conclusion import conclude
from ablate.console import leave

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--baseline", help="the arm that the others are compared with (default: the study's)")
    parser.add_argument("--metric", help="accuracy/test or loss/test (default: the study's)")
    given = parser.parse_args()
    leave(lambda: conclude(given.folders, given.baseline, given.metric))
