"""How much memory there is, and what is refused because it takes more. Light: no torch."""

from __future__ import annotations

from pathlib import Path

from ablate.utils.errors import ConfigError

BUFFERS = 8  # rows of parameters that a run holds: weights, gradients, two moments, best, and copies
FLOAT = 4  # bytes of a number


def free() -> int:
    """Bytes of memory that can be had, or 4 GB where the system won't tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 4 * 2**30


def demand(what: str, needed: int) -> None:
    """Refuse what can't be held: the system would end us, or others, half way.

    Raises:
        ConfigError: `what`, a plural, needs more bytes than are free.
    """
    if needed > (there := free()):
        raise ConfigError(f"{what} take {needed / 1e9:,.1f} GB of memory, and {there / 1e9:,.1f} GB are free")
