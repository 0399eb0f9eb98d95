"""Sweeps on a machine without memory: a watcher that kills workers that take too much, as the system does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from torture_attacks import Tried, finish, start, workers

SWEEP = ("-m", "seed=range(16)", "model.hidden=[200]", "trainer.epochs=10", "hydra.sweep.dir=it")
WORKERS = ("stack.workers=1", "stack.workers=2", "stack.workers=null")
LOOKS = 0.01  # seconds between two
MEGABYTES = (8, 10, 12)  # that a worker may take more than it was born with
SLOW = 120.0  # seconds that a sweep may take that has a machine without memory, and others to do too
FEW = 6  # runs, at most, that the watcher lets a worker have


def attack(chance: Random, folder: Path) -> Tried:
    cores = chance.choice(WORKERS)
    if chance.random() < 0.5:
        most = chance.randrange(1, FEW)
        what, too_large = f"more than {most} runs", _has_more_runs(most, folder)  # also where the command trains
    else:
        most = chance.choice(MEGABYTES)
        what, too_large = f"more than {most} MB", _has_grown(most * 2**20)
    process = start(*SWEEP, cores, at=folder)
    killed = _watched(process, too_large, command_too="runs" in what)
    done = finish(process, SLOW)
    given = [cores, what, f"{killed} killed"]
    results = [json.loads(path.read_text()) for path in folder.rglob("result.json")]
    lost = done.wrong or (f"exit status {done.status}" if done.status else None)
    if not lost and [result["status"] for result in results] != ["finished"] * 16:
        lost = f"{len(results)} results"
    return Tried(given, f"{'some' if killed else 'none'} killed: {done.status}", done.err, lost)


def _watched(process: subprocess.Popen[str], too_large: Callable[[int], bool], command_too: bool) -> int:
    """Kill what is too large of a command's workers, and of itself; how many were killed."""
    killed: set[int] = set()
    deadline = time.monotonic() + SLOW
    while process.poll() is None and time.monotonic() < deadline:
        for each in [process.pid] * command_too + workers(process):
            with contextlib.suppress(OSError):  # it has gone by itself
                if too_large(each):
                    os.kill(each, signal.SIGKILL)
                    killed.add(each)
        time.sleep(LOOKS)
    return len(killed)


def _has_more_runs(most: int, folder: Path) -> Callable[[int], bool]:
    """Whether a process has files of more runs open."""

    def too_many(process: int) -> bool:
        opened = set()
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                file = Path(os.readlink(link))  # noqa: PTH115 - of a file that may be gone
                opened |= {file.parent} if file.is_relative_to(folder / "it") and "tfevents" in file.name else set()
        return len(opened) > most

    return too_many


def _has_grown(most: int) -> Callable[[int], bool]:
    """Whether a process has more memory of its own than when it was first seen."""
    born: dict[int, int] = {}

    def too_much(process: int) -> bool:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        own = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
        return own - born.setdefault(process, own) > most

    return too_much
