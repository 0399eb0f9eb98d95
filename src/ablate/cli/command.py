"""What one command is doing: where it writes to, what it holds there, what was made for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from ablate.records.locks import hold
from ablate.records.names import HISTORY, LOCK, MARK, RESULT
from ablate.records.ownership import SWEEP, Kind, claim
from ablate.utils.console import Console
from ablate.utils.files import first_missing, make, remove


@dataclass
class Command:
    """The state of a command, from its first check to its last word.

    folder: of the run or sweep, from when the command holds it; made: the folders that had to be made for that.
    own: paths in it at which nothing was before, so that what is there now is the command's.
    sweep: whether it is one's; reused: the run_id of those of its runs that had a result already.
    training: whether something has begun to be trained.
    console: for what it says; at_home: whether the process is the command's own, so that Hydra may set up its logging.
    """

    arguments: list[str] = field(default_factory=list)
    folder: Path | None = None
    made: list[Path] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)
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
            made = make(folder)
            if new and folder not in made:
                continue
            self.made, lock = made, folder / LOCK
            own = [] if os.path.lexists(lock) else [lock]
            self.locks.append(hold(folder))
            self.own = own
            if claim(folder, kind, also):
                self.own += [folder / name for name in (MARK, *kind.names, *also)]
            self.folder, self.sweep = folder, kind is SWEEP
            return

    def release(self) -> None:
        while self.locks:
            self.locks.pop().release()

    def leave_nothing(self) -> None:
        """Take away what the command has made, where it holds the folder in which it is: nothing else is its own.

        Where runs have begun, in processes of another launcher say, all stays.
        """
        begun = self.folder is not None and any(path.name in (RESULT, HISTORY) for path in self.folder.rglob("*"))
        if self.locks and not begun:
            for path in self.own:
                remove(path)
            for folder in reversed(self.made):
                with suppress(OSError):  # others have theirs there
                    folder.rmdir()
