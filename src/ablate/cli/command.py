"""What one command is doing: where it writes to, what it holds there, what was made for it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from ablate.records.locks import hold
from ablate.records.names import HISTORY, RESULT
from ablate.utils.console import Console
from ablate.utils.errors import ConfigError
from ablate.utils.files import first_missing


@dataclass
class Command:
    """The state of a command, from its first check to its last word.

    folder: of the run or sweep, from when Hydra has named it; made: the uppermost folder that had to be made for that.
    sweep: whether it is one's; reused: the run_id of those of its runs that had a result already.
    training: whether something has begun to be trained.
    console: for what it says; at_home: whether the process is the command's own, so that Hydra may set up its logging.
    """

    arguments: list[str] = field(default_factory=list)
    folder: Path | None = None
    made: Path | None = None
    sweep: bool = False
    reused: set[str] = field(default_factory=set)
    training: bool = False
    console: Console = field(default_factory=Console)
    at_home: bool = True
    locks: list[FileLock] = field(default_factory=list)

    def place(self, folder: Path, sweep: bool) -> None:
        """It is going to write into this folder."""
        self.folder, self.sweep = folder.absolute(), sweep
        self.made = first_missing(self.folder)

    def hold(self, folder: Path) -> None:
        """Keep other processes out of a folder until the command has ended.

        Raises:
            ConfigError: another one is at work there.
        """
        try:
            self.locks.append(hold(folder))
        except ConfigError:
            self.made = None  # what has been made there is the other's
            raise

    def release(self) -> None:
        while self.locks:
            self.locks.pop().release()

    def leave_nothing(self) -> None:
        """Take away Hydra's files of a run that never was, and the folders that were made for them."""
        folder, made = self.folder, self.made
        if folder is None or made is None:
            return
        if any(path.name in (RESULT, HISTORY) for path in folder.rglob("*")):
            return  # another command has begun to work there
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # others have theirs there
            for parent in folder.parents:
                if parent.is_relative_to(made):
                    parent.rmdir()
