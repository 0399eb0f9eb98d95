"""Files, written whole or not at all; paths and counts as people read them."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

LONGEST = 255  # bytes of a name


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def first_missing(folder: Path) -> Path | None:
    """The uppermost folder that would have to be made for this one, or None where it is there.

    Raises:
        OSError: it can't be made: something else is there, or a name is too long or none at all.
    """
    parts = folder.absolute().parts
    for part in parts[1:]:
        if "\0" in part or len(os.fsencode(part)) > LONGEST:
            raise OSError(errno.EINVAL, "is no name for a file", str(folder))
    for path in (*reversed(folder.absolute().parents), folder.absolute()):
        if not path.exists():
            return path
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    return None


def count(n: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{n} {word}{'s' * (n != 1)}"


def short(path: Path) -> Path:
    """The path as seen from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def how_to_watch(folder: Path) -> str:
    """The command that opens TensorBoard on a folder, as it can be typed here."""
    beside = Path(sys.executable).with_name("tensorboard")
    command = "tensorboard" if shutil.which("tensorboard") else short(beside)
    return f"{command} --logdir {folder}, then http://localhost:6006"
