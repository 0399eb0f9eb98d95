"""Hydra's flags on a command line: what is refused among them, and the folders of one's own that they name.

What is typed is trusted, and so are the config folders that it names: they are code, as everywhere with Hydra.
SECURITY.md tells the whole of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser

from ablate.config.registration import folder as conf
from ablate.utils.errors import ConfigError
from ablate.utils.files import short

SEARCHPATH = "hydra.searchpath"


def own_folders(arguments: Sequence[str]) -> list[Path]:
    """Read a command's flags as Hydra will; the folders of options of one's own, which exist.

    Raises:
        ConfigError: there is no such flag, or two don't go together; an option of such a folder has the name of one
            that is there already, which would win.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    given = parser.parse_args(list(arguments))
    if given.experimental_rerun is not None:
        raise ConfigError(f"--experimental-rerun={given.experimental_rerun}: is a pickle, and could run anything")
    for option in ("cfg", "info"):
        if given.multirun and getattr(given, option) is not None:
            raise ConfigError(f"--multirun: goes without --{option}, which shows the config of one run")
    folders = [] if given.config_dir is None else [given.config_dir]
    for override in OverridesParser.create().parse_overrides([o for o in given.overrides if SEARCHPATH in o]):
        value = override.value()
        folders += [path for path in value if isinstance(path, str)] if isinstance(value, list) else []
    found = [Path(folder.removeprefix("file://")) for folder in folders if "pkg://" not in folder]
    found = [folder for folder in found if folder.is_dir()]  # of others, Hydra says that they are missing
    for folder in found:
        _refuse_taken(folder)
    return found


def _refuse(message: str) -> NoReturn:
    raise ConfigError(f"{message}; python -m ablate --help lists what there is")


def _refuse_taken(folder: Path) -> None:
    """Of two options of one name, Hydra takes one and says nothing."""
    for path in sorted(folder.glob("*/*.yaml")):
        if (conf() / path.relative_to(folder)).is_file():
            said = f"there is {path.parent.name}={path.stem} already; choose another name"
            raise ConfigError(f"{short(path)}: {said}")
