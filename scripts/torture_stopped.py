"""Workers that are stopped or killed at random moments, and what becomes of the sweep."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from random import Random

from torture_attacks import Done, Tried, ablate, finish, start, workers

SWEEP = (
    "-m", "regularizer=none,dropout", "model.hidden=[16]", "trainer.checkpoint_every=7", "hydra.sweep.dir=it",
    "stack.workers=2",
)  # fmt: skip
# Stacks of many epochs, in the middle of which a worker is met, and many of one epoch, between which it is.
SHAPES = (
    ("seed=range(4)", "trainer.epochs=60", "stack.size=2"),
    ("seed=range(12)", "trainer.epochs=2", "stack.size=1"),
)
HOWS = ("killed", "stopped, then Ctrl-C", "stopped, then killed", "stopped, and let go on")
STARTS = 20.0  # seconds in which there is a worker
TRAINS = 1.5  # seconds within which a worker is met
ENDS = 15.0  # seconds within which a command ends after Ctrl-C, on a machine that has others to do too
SLOW = 120.0  # seconds that a sweep may take on a machine that has others to do too
KNOWN: dict[tuple[str, ...], str] = {}  # by sweep: the table of one that nobody disturbs


def attack(chance: Random, folder: Path) -> Tried:
    shape, how = chance.choice(SHAPES), chance.choice(HOWS)
    given = [how, *shape]
    if shape not in KNOWN:
        (folder / "whole").mkdir()
        ablate(*SWEEP, *shape, at=folder / "whole", limit=SLOW)
        KNOWN[shape] = _table(folder / "whole")
    process = start(*SWEEP, *shape, at=folder)
    began = time.monotonic()
    while not (found := workers(process)) and process.poll() is None and time.monotonic() - began < STARTS:
        time.sleep(0.01)
    time.sleep(after := chance.uniform(0, TRAINS))
    given.append(f"after {after:.2f} s")
    met = chance.choice(workers(process) or found or [process.pid])
    done, lost = _met(process, met, how, chance)
    again = ablate(*SWEEP, *shape, at=folder, limit=SLOW) if done.status == 130 else done
    lost = lost or done.wrong or again.wrong or (f"exit status {again.status}" if again.status else None)
    if not lost and (got := _table(folder)) != KNOWN[shape]:
        lost = f"another table than without: {got}"
    return Tried(given, f"{how}: {done.status}", done.err, lost)


def _met(process: subprocess.Popen[str], worker: int, how: str, chance: Random) -> tuple[Done, str | None]:
    """Do this to a worker; how the command ended, and what was lost."""
    with contextlib.suppress(ProcessLookupError):  # it has gone by itself
        if how == "killed":
            os.kill(worker, signal.SIGKILL)
        else:
            os.kill(worker, signal.SIGSTOP)
            time.sleep(chance.uniform(0, 2))
        if how == "stopped, then killed":
            os.kill(worker, signal.SIGKILL)
        if how == "stopped, and let go on":
            os.kill(worker, signal.SIGCONT)
    if how != "stopped, then Ctrl-C":
        return finish(process, SLOW), None
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    done, lasted = finish(process, SLOW), time.monotonic() - began
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
        return done, "a worker is left"
    return done, f"it took {lasted:.1f} s to end" if lasted > ENDS else None


def _table(folder: Path) -> str:
    return (folder / "it" / "comparison.md").read_text()
