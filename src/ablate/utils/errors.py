"""What may go wrong by somebody's doing, in one line for the person who can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ablate.utils.text import cut, line, shown


class ConfigError(Exception):
    """The config, or the data that it names, can't be used. One line: key, value, what is allowed."""


class RunFailed(Exception):
    """A run ended without a usable result; the line says why."""


def refuse(key: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(f"{key}={cut(shown(value))}: {allowed}")


def one_of(names: Iterable[str], given: object = None) -> str:
    """`must be one of a, b, c`, with the nearest name where `given` looks misspelt."""
    names = sorted(names)
    near = difflib.get_close_matches(str(given), names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"must be one of {', '.join(names)}{hint}"


def one_line(error: BaseException) -> str:
    """Any exception as one line: its kind and what it says."""
    said = line(error)
    return said if isinstance(error, ConfigError | RunFailed) else f"{type(error).__name__}: {said}".rstrip(": ")
