"""What a command may bring in: options of Hydra that are refused, and config folders, which are looked through.

What is typed is trusted, and so is what is installed. A config folder is data: it may set every key, choose every
option and say where files go, but it can't have anything imported or called. SECURITY.md tells the whole of it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import yaml
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.plugins.plugin import Plugin
from omegaconf._utils import get_yaml_loader

from ablate.errors import ConfigError, refuse

HOMES = ("ablate.", "hydra.", "hydra_plugins.")  # of what a config folder may name as a _target_
LARGEST = 100_000  # keys and values of a file: aliases of aliases would fill the memory

# By these, text from a config file would be imported, called or made the environment's, wherever it stands: in a
# key, a value, a package or a file's name. The last has an interpolation's name put together from others.
FORBIDDEN = re.compile(r"_target_|_logging|env_set|searchpath|oc\.(create|decode)|\$\{[^:}]*\$\{")
CHOICE = re.compile(r"override/?hydra/(job|hydra)_logging")  # chooses among logging's options; they are looked at too


def look_through(arguments: Sequence[str]) -> None:
    """Read a command's options as Hydra will, and look through the config folders that it names.

    Raises:
        ConfigError: there is no such option, or two don't go together; a file of a folder would have something
            imported or called.
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
    if given.config_path is not None:
        folders.append(str(Path(__file__).parent / given.config_path.removeprefix("file://")))
    for override in OverridesParser.create().parse_overrides([o for o in given.overrides if "searchpath" in o]):
        value = override.value()
        folders += [path for path in value if isinstance(path, str)] if isinstance(value, list) else []
    for folder in folders:
        if "pkg://" not in folder:  # an installed module
            _look_through(Path(folder.removeprefix("file://")))


def _refuse(message: str) -> NoReturn:
    raise ConfigError(f"{message}; python -m ablate --help lists what there is")


def _look_through(folder: Path) -> None:
    for path in sorted(folder.rglob("*.yaml")):
        try:
            text = path.read_text(encoding="utf-8")
            content = yaml.load(text, Loader=get_yaml_loader())  # noqa: S506 (a SafeLoader, the one that Hydra uses)
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            continue  # Hydra can't read it either
        names = [*path.relative_to(folder).parts, *re.findall(r"^\s*#.*@package.*", text, re.MULTILINE)]
        for n, (key, value) in enumerate(chain((("", name) for name in names), _pairs(content))):
            if n > LARGEST:
                raise ConfigError(f"{path}: has more than {LARGEST} keys and values")
            if key == "_target_":
                if not (isinstance(value, str) and _is_part_of_hydra(value)):
                    allowed = f"must be a callback or plugin of Hydra's, below {' or '.join(HOMES)}"
                    raise ConfigError(f"{path}: {refuse(key, value, allowed)}")
                continue
            for word in (key, value):
                together = re.sub(r"\s", "", word) if isinstance(word, str) else ""
                if (found := FORBIDDEN.search(together)) and not CHOICE.fullmatch(together):
                    said = f"a config folder can't set {found[0]}; type it on the command line"
                    raise ConfigError(f"{path}: {refuse(key, value, said) if key else f'{value}: {said}'}")


def _pairs(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every key with its value, and every item of a list with an empty key."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else (("", item) for item in node):
            yield key, value if not isinstance(value, dict | list) else None
            yield from _pairs(value)


def _is_part_of_hydra(target: str) -> bool:
    """Whether this names what Hydra may make: a class of ours or Hydra's, and not one that its module imported."""
    module, _, name = target.rpartition(".")
    if not target.startswith(HOMES):
        return False
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, Callback | Plugin) and found.__module__.startswith(HOMES)
