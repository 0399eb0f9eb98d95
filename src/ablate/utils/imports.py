"""When modules were imported, which Python keeps nowhere: a file that was written after it isn't what is trained."""

from __future__ import annotations

import sys
import time
from importlib.abc import MetaPathFinder
from typing import Any

_since = time.time_ns()
_asked: dict[str, int] = {}


class _Watch(MetaPathFinder):
    """The first that Python asks for a module: finds none, and notes the time."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        _asked[name] = time.time_ns()


def watch() -> None:
    """Note from now on when modules are imported."""
    if not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


def imported(name: str) -> int:
    """When a module was imported for the last time, in nanoseconds; at the latest, of one that was there before us."""
    return _asked.get(name, _since)
