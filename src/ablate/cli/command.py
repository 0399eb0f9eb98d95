"""What one command is doing: where it writes to, what it holds there, what was made for it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from ablate.records.locks import hold
from ablate.records.names import LOCK
from ablate.records.ownership import SWEEP, Kind, claim, disclaim
from ablate.utils.console import Console
from ablate.utils.files import first_missing, make, remove

TRIES = 9  # at a folder that other commands take away again


@dataclass
class Command:
    """The state of a command, from its first check to its last word.

    folder: of the run or sweep, from when the command holds it; made: the folders that had to be made for that.
    claimed: names at which nothing was in it, so that what is there now is the command's.
    sweep: whether it is one's; reused: the run_id of those of its runs that had a result already.
    training: whether something has begun to be trained.
    console: for what it says; at_home: whether the process is the command's own, so that Hydra may set up its logging.
    """

    arguments: list[str] = field(default_factory=list)
    folder: Path | None = None
    made: list[Path] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    lock_is_new: bool = False
    sweep: bool = False
    reused: set[str] = field(default_factory=set)
    training: bool = False
    console: Console = field(default_factory=Console)
    at_home: bool = True
    locks: list[FileLock] = field(default_factory=list)

    def take(self, places: Iterable[tuple[Path, bool]], kind: Kind, also: Sequence[str] = ()) -> None:
        """Work in the first of these folders that can be had, and keep other processes out of it until the end.

        places: folders, each with whether it has to be new; also: names of what Hydra writes there, beside the kind's.

        Raises:
            ConfigError: another process is at work there, or files that are not ours have our names.
            OSError: it can't be made.
        """
        for folder, new in places:
            first_missing(folder)
            if self._held(folder, new):
                self.folder, self.sweep = folder, kind is SWEEP
                self.claimed = claim(folder, kind, also)
                return

    def _held(self, folder: Path, new: bool) -> bool:
        """Make a folder, and hold it; False where it has to be new, and isn't."""
        for _ in range(TRIES):
            self.made = make(folder)
            if new and folder not in self.made:
                return False
            self.lock_is_new = not os.path.lexists(folder / LOCK)
            with suppress(FileNotFoundError):  # another command, which was refused, has just taken it away
                self.locks.append(hold(folder))
                return True
        raise FileNotFoundError(errno.ENOENT, "can't be made", str(folder))

    def release(self) -> None:
        while self.locks:
            self.locks.pop().release()

    def leave_nothing(self) -> None:
        """Take away what the command has made, where it holds the folder in which it is: nothing else is its own."""
        if self.folder is None or not self.locks:
            return
        disclaim(self.folder, self.claimed)
        if self.lock_is_new:
            remove(self.folder / LOCK)  # last of all: from then on, another process may work there
        for path in reversed(self.made):
            with suppress(OSError):  # others have theirs there
                path.rmdir()
