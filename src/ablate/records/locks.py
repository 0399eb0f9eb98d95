"""One process at a time works in a folder."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from ablate.records.names import LOCK
from ablate.utils.errors import ConfigError
from ablate.utils.files import short

PATIENCE = 3.0  # seconds to wait for a folder in which another process is at work


def hold(folder: Path) -> FileLock:
    """Make a folder, and keep other processes out of it until the lock is released.

    Raises:
        ConfigError: another one is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        # Workers of a process that was just killed hold its lock for a moment longer.
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        said = "another process is at work there; wait for it, or choose another folder"
        raise ConfigError(f"{short(folder)}: {said}") from None
    return lock
