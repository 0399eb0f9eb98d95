"""When nothing comes from any worker for long: said once, with what the system tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablate.utils.console import complain

LONG = 60.0  # seconds
TIMES = 10  # as long as the longest silence so far


class Silence:
    """Seconds for which nothing has come from workers, and for how long at most nothing had before.

    Counted are seconds of waiting. A clock would have those too in which a computer is asleep, or this process stopped.
    """

    def __init__(self) -> None:
        self.lasts, self.longest, self.said = 0.0, 0.0, False

    def note(self, seconds: float, workers: Sequence[int]) -> None:
        """Nothing has come for so many seconds more; 0: something has.

        workers: the process ids of those that have something to do.
        """
        self.lasts += seconds
        if not seconds:
            self.longest, self.lasts = max(self.longest, self.lasts), 0.0
        elif self.lasts >= max(LONG, TIMES * self.longest) and not self.said:
            self.said = True
            them = "; ".join(map(_described, workers))
            complain(f"warning: nothing has come from the workers for {self.lasts:.0f} s: {them}")


def _described(worker: int) -> str:
    if _state(worker) in ("T", "t"):
        return f"process {worker} is stopped (kill -CONT {worker} has it go on, kill -KILL {worker} another one)"
    return f"process {worker} isn't known to be stopped"


def _state(process: int) -> str:
    """The letter that Linux has for what a process does, or none where that isn't told."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
