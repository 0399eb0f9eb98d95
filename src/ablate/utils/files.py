"""Files and folders: written whole or not at all, never through a link, under names that every file system takes."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

PART = ".ablate-part"  # ends the names of files that are being written
HOST = socket.gethostname()  # processes of another machine, on a shared disk, may have the same numbers
LONGEST_NAME = 200  # bytes of a name that is made here
LONGEST = 255  # bytes of a name that file systems take
LINKED = "is a link, or no plain file"
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # where a system knows of waiting for a file
LONGEST_PATH = 3500  # bytes of a folder's path: below it is room for the files of runs
DEEPEST = 200  # folders within each other: Python goes through them by recursion


def filename(text: str) -> str:
    """`text` as the name of a folder: no path in it, nothing unprintable, short enough for every file system."""
    name = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text)
    if not name.strip("."):  # nothing, this folder or the one above
        name = name.replace(".", "_") or "_"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 4]}…{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:12]}"


class Opened(NamedTuple):
    """A regular file, and how many bytes it had when it was opened."""

    file: BinaryIO
    size: int

    def part(self, begin: int, length: int) -> bytes:
        """So many bytes from there, or as many as there are.

        What the system makes up as it is read, such as a file of /proc, has a size of 0 and is empty.
        """
        length = min(length, self.size - begin)
        if length <= 0:
            return b""
        self.file.seek(begin)
        return self.file.read(length)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """A regular file for reading; a pipe or a device, which may have no end, is none.

    Raises:
        OSError: it can't be opened. ValueError: something else is there.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # to open a device may already do something
        raise ValueError("is no file")
    with os.fdopen(os.open(path, os.O_RDONLY | _AT_ONCE), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is no file")
        yield Opened(file, status.st_size)


def read(path: Path, most: int) -> bytes:
    """What a regular file holds.

    Raises:
        OSError: it can't be read. ValueError: it has more than `most` bytes, or is no regular file.
    """
    with opened(path) as file:
        if file.size > most:
            raise ValueError(f"has more than {most:,} bytes")
        return file.part(0, most)


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, whatever happens: its content is on the disk before its name is.

    Text is UTF-8; what that has no letters for, as in the names of files that are in another encoding, is escaped.

    Raises:
        OSError: it can't be written, or what has its name is a link or no plain file: that stays.
    """
    if is_other(path):
        raise OSError(errno.ELOOP, LINKED, str(path))
    beside, file = _begun(path)
    try:
        with file:
            file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def is_other(path: Path) -> bool:
    """Whether something is there that is no plain file: a link, a folder, a pipe, a device."""
    try:
        return not stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def is_plain(path: Path) -> bool:
    """Whether a plain file is there, and no link to one."""
    return os.path.lexists(path) and not is_other(path)


def _begun(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside this one, for what is going to be its content."""
    for n in count():
        beside = unfinished(path, n)
        try:
            return beside, beside.open("xb")
        except FileExistsError:  # somebody's
            continue
    raise AssertionError


def unfinished(path: Path, n: int = 0) -> Path:
    """The name under which this process writes a file or folder until it is whole; n: another, where one is taken."""
    return path.with_name(f".{path.name.lstrip('.')}.{n}.{os.getpid()}@{HOST}{PART}")


def adding(path: Path, mode: str = "a", **how: Any) -> IO[Any]:
    """Open a file that may be there, to add to it or to change it.

    Raises:
        OSError: it can't be opened; it is a link or no plain file.
    """
    return open(path, mode, opener=_plain, **how)


def _plain(name: str, flags: int) -> int:
    handle = os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | _AT_ONCE, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ELOOP, LINKED, name)
    return handle


def remove(path: Path) -> None:
    """Remove a plain file, or a folder with all plain files in it; what is neither stays, and so does its folder."""
    if path.is_dir() and not path.is_symlink():
        for below in list(path.iterdir()):
            remove(below)
        with suppress(OSError):  # not empty
            path.rmdir()
    elif is_plain(path):
        path.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """See to it that what a folder lists is on the disk, where the system can do that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def tidy(folder: Path) -> None:
    """Remove what a process of this machine that is no more has left half-written in a folder."""
    for left in folder.glob(f".*{PART}"):
        found = re.search(r"\.(\d+)(?:@(.*))?$", left.name.removesuffix(PART))
        if found and found[2] in (None, HOST) and not _alive(int(found[1])):
            remove(left)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return process != os.getpid()


def make(folder: Path) -> list[Path]:
    """Make a folder and those above it; the ones that had to be made, from the top.

    Raises:
        OSError: one of them can't be made.
    """
    missing = [path for path in (*reversed(folder.absolute().parents), folder.absolute()) if not path.exists()]
    found = []
    for path in missing:
        try:
            path.mkdir()
        except FileExistsError:  # another process was faster
            continue
        found.append(path)
    return found


def first_missing(folder: Path) -> Path | None:
    """The uppermost folder that would have to be made for this one, or None where it is there.

    Raises:
        OSError: it can't be made: something else is there, or a name is too long or none at all.
    """
    parts = folder.absolute().parts
    if len(parts) > DEEPEST or len(os.fsencode(folder.absolute())) > LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, "is too long, or too many folders deep", str(folder))
    for part in parts[1:]:
        if "\0" in part or len(os.fsencode(part)) > LONGEST:
            raise OSError(errno.EINVAL, "is no name for a file", str(folder))
    for path in (*reversed(folder.absolute().parents), folder.absolute()):
        if not path.exists():
            return path
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    return None


def linked(top: Path, path: Path) -> Path | None:
    """The first link on the way from a folder to what is below it, or None."""
    between = [p for p in (*reversed(path.absolute().parents), path.absolute()) if p.is_relative_to(top.absolute())]
    return next((p for p in between[1:] if p.is_symlink()), None)


def is_folder(path: Path) -> bool:
    """Whether it is one; what can't be looked at, such as a name that is too long, is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_gone() -> bool:
    """Whether the folder that one is in was deleted."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def short(path: Path) -> Path:
    """The path as seen from here, where it is below."""
    if is_gone():
        return path
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
