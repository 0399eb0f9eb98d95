"""One process at a time works in a folder."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from ablate.records.names import LOCK
from ablate.utils.errors import ConfigError
from ablate.utils.files import is_other, short

PATIENCE = 3.0  # seconds to wait for a folder in which another process is at work


def hold(folder: Path, name: str = LOCK, patience: float | None = None) -> FileLock:
    """Keep other processes out of a folder, which is there, until the lock is released.

    Raises:
        ConfigError: another one is at work there.
    """
    if is_other(folder / name):
        raise ConfigError(f"{short(folder / name)}: is a link, or no plain file: no lock")
    lock = FileLock(folder / name)
    try:
        # Workers of a process that was just killed hold its lock for a moment longer.
        lock.acquire(timeout=PATIENCE if patience is None else patience)
    except Timeout:
        said = "another process is at work there; wait for it, or choose another folder"
        raise ConfigError(f"{short(folder)}: {said}") from None
    return lock
