"""One module, one option: the modules of a package, by name, without importing them."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def modules(package: str) -> tuple[str, ...]:
    """The names of the public modules in `package`, sorted."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(found.name for found in pkgutil.iter_modules(path) if not found.name.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")
