"""Files and folders: written whole or not at all, under names that every file system takes."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

PART = ".ablate-part"  # ends the names of files that are being written
LONGEST_NAME = 200  # bytes of a name that is made here
LONGEST = 255  # bytes of a name that file systems take


def filename(text: str) -> str:
    """`text` as the name of a folder: no path in it, nothing unprintable, short enough for every file system."""
    name = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text)
    if not name.strip("."):  # nothing, this folder or the one above
        name = name.replace(".", "_") or "_"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 4]}…{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:12]}"


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, whatever happens: its content is on the disk before its name is."""
    beside = unfinished(path)
    try:
        with beside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def unfinished(path: Path) -> Path:
    """The name under which this process writes a file or folder until it is whole."""
    return path.with_name(f".{path.name.lstrip('.')}.{os.getpid()}{PART}")


def sync(folder: Path) -> None:
    """See to it that what a folder lists is on the disk, where the system can do that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def tidy(folder: Path) -> None:
    """Remove what a process that is no more has left half-written in a folder."""
    for left in folder.glob(f".*{PART}"):
        owner = left.name.removesuffix(PART).rpartition(".")[2]
        if owner.isdecimal() and not _alive(int(owner)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return process != os.getpid()


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


def short(path: Path) -> Path:
    """The path as seen from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
