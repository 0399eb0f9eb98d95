"""The arguments of subcommands, refused in one line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NoReturn

from ablate.utils import files
from ablate.utils.errors import ConfigError, refuse


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


def new(key: str, path: Path) -> None:
    """Refuse a file that can't be written, before anything is computed for it.

    Raises:
        ConfigError: something is there already; its folder is not there, or not ours to write to.
    """
    try:
        if path.exists() or path.is_symlink():
            raise refuse(key, path, "is there already; nothing is written over it")
    except (OSError, ValueError):  # too long, say
        raise refuse(key, path, "is no name for a file") from None
    if not files.is_folder(path.parent):
        raise refuse(key, path, f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise refuse(key, path, f"nothing can be written to the folder {path.parent}")


def written(key: str, path: Path, content: str | bytes) -> None:
    """Write a file that was typed.

    Raises:
        ConfigError: it can't be written.
    """
    try:
        files.write(path, content)
    except OSError as error:
        raise refuse(key, path, f"can't be written: {error.strerror}") from None


def _own(given: str) -> list[Path]:
    if not files.is_folder(Path(given)):
        raise ConfigError(f"--config-dir={given}: no such folder")
    return [Path(given)]
