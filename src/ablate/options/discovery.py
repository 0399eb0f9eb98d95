"""One module, one option: the modules of a package, by name, without importing them."""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType

from ablate.errors import ConfigError, one_line
from ablate.files import short


@cache
def modules(package: str) -> tuple[str, ...]:
    """The names of the public modules in `package`, sorted."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(found.name for found in pkgutil.iter_modules(path) if not found.name.startswith("_")))


def file(package: str, name: str) -> Path:
    """Where a module of `package` is, or would have to be."""
    return Path(importlib.import_module(package).__path__[0], f"{name}.py")


def load(package: str, name: str) -> ModuleType:
    """The module `name` of `package`.

    Raises:
        ConfigError: it can't be imported; names its file, the line where that is known, and the error.
    """
    try:
        return importlib.import_module(f"{package}.{name}")
    except Exception as error:
        path = file(package, name)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{short(path)}, line {lines[-1]}" if lines else short(path)
        raise ConfigError(f"{where}: can't be imported: {one_line(error)}") from error
