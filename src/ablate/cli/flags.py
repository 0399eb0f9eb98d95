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

from ablate.config.ignored import SEARCHPATH, refuse_ignored
from ablate.utils.errors import ConfigError
from ablate.utils.files import is_folder


def own_folders(arguments: Sequence[str]) -> list[Path]:
    """Read a command's flags as Hydra will; the folders of options of one's own, which exist.

    Raises:
        ConfigError: there is no such flag or folder, or two don't go together; an option of such a folder would be
            ignored.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    given = parser.parse_args(list(arguments))
    if given.experimental_rerun is not None:
        raise ConfigError(f"--experimental-rerun={given.experimental_rerun}: is a pickle, and could run anything")
    for option in ("cfg", "info"):
        if given.multirun and getattr(given, option) is not None:
            raise ConfigError(f"--multirun: goes without --{option}, which shows the config of one run")
    found = [] if given.config_dir is None else [Path(given.config_dir)]
    if found and not is_folder(found[0]):
        raise ConfigError(f"--config-dir={given.config_dir}: no such folder")
    for override in OverridesParser.create().parse_overrides([o for o in given.overrides if SEARCHPATH in o]):
        value = override.value()
        paths = [path for path in value if isinstance(path, str)] if isinstance(value, list) else []
        found += [Path(path.removeprefix("file://")) for path in paths if "pkg://" not in path]
    found = [folder for folder in found if is_folder(folder)]  # of others on the search path, Hydra says it
    refuse_ignored(found)
    return found


def _refuse(message: str) -> NoReturn:
    _, marked, rest = message.partition("unrecognized arguments: ")
    if marked and not rest.startswith("-") and "=" in (key := rest.split()[0]):
        said = "-m and other flags come before all keys or after them: python -m ablate -m KEY=VALUE …"
        raise ConfigError(f"{key}: a flag stands between it and the other keys; {said}")
    raise ConfigError(f"{message}; python -m ablate --help lists what there is")
