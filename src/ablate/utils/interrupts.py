"""Ctrl-C, and SIGTERM as a scheduler sends it: how they end a command that has a process of its own. Light.

Python raises KeyboardInterrupt wherever it just is, at every signal: in a finalizer, where it is printed and forgotten;
within an import, which then can't be made again; in whatever ends the command because of the signal before. So

- the first signal raises it, and only that one. What waits or trains, in whoever's code, ends at once;
- it is noted too: loops that take long `check`, so that one that got lost ends the command a moment later all the same;
- within an import, and where it is `held`, it is noted alone;
- once somebody has said `taken`, or `end`, the command is ending, and nothing disturbs that;
- the third ends the process where it is, and those that it has started: somebody is impatient.

A call from Python doesn't `heed` signals: they are the caller's there, and `check` never raises.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

HEEDED = (signal.SIGINT, signal.SIGTERM)
IMPATIENT = 3  # signals
STATUS = 130  # as a shell has it for Ctrl-C


@dataclass
class _Signals:
    """came: how many, so far. raised: whether one of them has been; held: by how many blocks; taken: see there."""

    came: int = 0
    raised: bool = False
    held: int = 0
    taken: bool = False

    def take_in(self, _: int, frame: FrameType | None) -> None:
        self.came += 1
        if self.came >= IMPATIENT:
            _end_here()
        if not (self.raised or self.held or self.taken or _imports(frame)):
            self.raised = True
            raise KeyboardInterrupt


_signals = _Signals()  # there is one process, and it can't be told apart whom a signal is for


def heed() -> None:
    """From now on, signals end this process as said above; those that it was started to ignore it ignores."""
    for number in HEEDED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _signals.take_in)
    others, sys.unraisablehook = sys.unraisablehook, lambda lost: _lost(lost) or others(lost)


def ignore() -> None:
    """In a worker: whoever started it ends it, by SIGTERM; Ctrl-C on a terminal is sent to all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def check() -> None:
    """
    Raises:
        KeyboardInterrupt: a signal has come, and the command doesn't end yet.
    """
    if _signals.came and not _signals.taken:
        _signals.raised = True
        raise KeyboardInterrupt


def taken() -> bool:
    """Whether a signal has come for which the command ends now; from then on nothing but impatience disturbs it."""
    first = _signals.came > 0 and not _signals.taken
    _signals.taken |= first
    return first


def end() -> None:
    """The command has ended: nothing but impatience disturbs what is left to do."""
    _signals.taken = True


@contextmanager
def held() -> Iterator[None]:
    """Within, a signal is noted, and raises nothing. For what is short and must not be left half done."""
    _signals.held += 1
    try:
        yield
    finally:
        _signals.held -= 1


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _lost(lost: Any) -> bool:
    """Whether what was raised where nobody can take it is only what `check` raises again."""
    return bool(_signals.came) and lost.exc_type is KeyboardInterrupt


def _end_here() -> None:
    if workers := sys.modules.get("multiprocessing"):
        for worker in workers.active_children():
            worker.kill()
    os.write(2, b"interrupted, and ended at once\n")
    os._exit(STATUS)
