"""The arguments of subcommands, refused in one line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from ablate.utils.errors import ConfigError
from ablate.utils.files import is_folder


class Parser(argparse.ArgumentParser):
    """Raises a ConfigError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; {self.prog} --help lists what there is")


def with_choice(parser: Parser) -> None:
    """Add what chooses a run: its folder, or that of a study or sweep, with the arm and the seed."""
    parser.add_argument("folder", type=Path, metavar="RUN_OR_STUDY", help="the folder of a run, a study or a sweep")
    arm = "of a study (default: that of least validation loss)"
    parser.add_argument("--arm", metavar="NAME", help=f"the arm, {arm}")
    parser.add_argument("--seed", type=int, metavar="N", help=f"the seed of the arm, {arm}")
    parser.add_argument("--data", metavar="NAME", help="a set of data, where there are runs on several")
    own = "a folder of options of one's own, which the run was trained with"
    parser.add_argument("--config-dir", type=_own, default=[], metavar="DIR", help=own)


def _own(given: str) -> list[Path]:
    if not is_folder(Path(given)):
        raise ConfigError(f"--config-dir={given}: no such folder")
    return [Path(given)]
