"""Values, counts and figures as people read and type them. Light: the standard library alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 200  # characters of a value that are repeated
LONGEST_LINE = 2000  # characters of a line that is said


def shown(value: object) -> str:
    """A value as one would type it on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(shown(item) for item in value) + "]"
    return str(value)


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def escaped(text: str) -> str:
    """Any text as a terminal can be given it: what can't be printed, but for line breaks, as one would type it."""
    if text.isprintable():
        return text
    return "".join(c if _harmless(c) else c.encode("unicode_escape").decode() for c in text)


def _harmless(c: str) -> bool:
    return c.isprintable() or c == "\n" or unicodedata.category(c) == "Zs"  # a space that doesn't break, say


def line(text: object) -> str:
    """Any text as one line that a terminal can be given: no line breaks, no control characters, and no book.

    Of one that is too long, the middle is left out: what was given stands at the front, what is allowed at the end.
    """
    said, end = escaped(" ".join(str(text).split())), LONGEST_LINE // 4
    return said if len(said) <= LONGEST_LINE else f"{said[: LONGEST_LINE - end]} … {said[-end:]}"


def count(n: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{n} {word}{'s' * (n != 1)}"


def fixed(value: float, digits: int, sign: str = "") -> str:
    """A figure with so many decimals; in powers of ten where that would be a long row of digits."""
    return f"{value:{sign}.{digits}f}" if not abs(value) >= 1e6 else f"{value:{sign}.2e}"


def strength(value: float) -> str:
    """A strength as people write it: 0.2, 0.01, 1e-4."""
    if value == 0 or abs(value) >= 0.01:
        return f"{value:g}"
    mantissa, exponent = f"{value:.6e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def listed(names: Iterable[str]) -> str:
    """`a, b and c`, each once."""
    names = list(dict.fromkeys(names))
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
