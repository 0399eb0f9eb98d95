"""A sweep that is killed over and over, at random moments, and repeated until it is done."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SWEEP = (
    "regularizer=none,l1,l2,dropout", "seed=range(8)", "model.hidden=[16]",
    "trainer.epochs=60", "trainer.checkpoint_every=7",
)  # fmt: skip
GRACE = 5.0  # seconds in which every process of a killed sweep must be gone


@dataclass
class Toll:
    """What was tried, and what came of it: all but the first three should be 0."""

    kills: int = 0
    sweeps: int = 0
    resumed: int = 0  # starts of which runs went on from a checkpoint
    lost: int = 0  # results that were there and are not, or not as they were
    trained_twice: int = 0
    tables_that_differ: int = 0
    curves_that_zigzag: int = 0
    orphans: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def lost_something(self) -> bool:
        tolls = (self.lost, self.trained_twice, self.tables_that_differ, self.curves_that_zigzag, self.orphans)
        return any(tolls) or bool(self.complaints)


def kills(count: int, sweep: tuple[str, ...] = SWEEP, seed: int = 0) -> Toll:
    """Kill so many times; the sweep is begun anew, in another folder, whenever it got done."""
    chance, toll = random.Random(seed), Toll()  # noqa: S311
    with tempfile.TemporaryDirectory() as parent:
        whole = Path(parent, "whole")
        started = time.monotonic()
        _start(whole, sweep).wait()
        lasts, wanted = time.monotonic() - started, _table(whole)
        while toll.kills < count:
            folder = Path(parent, f"killed{toll.sweeps}")
            while not _killed_or_done(folder, sweep, chance.uniform(0, lasts), chance, toll, toll.kills < count):
                pass
            toll.sweeps += 1
            toll.tables_that_differ += _table(folder) != wanted
            toll.curves_that_zigzag += sum(_zigzags(path.parent) for path in folder.rglob("result.json"))
            shutil.rmtree(folder)
    return toll


def _start(folder: Path, sweep: tuple[str, ...]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ablate", "-m", *sweep, f"hydra.sweep.dir={folder}"]
    return subprocess.Popen(
        command, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _killed_or_done(
    folder: Path, sweep: tuple[str, ...], after: float, chance: random.Random, toll: Toll, may_kill: bool
) -> bool:
    """Start the sweep and kill it after so many seconds; whether it was done before that."""
    before = _results(folder)
    process = _start(folder, sweep)
    try:
        said, _ = process.communicate(timeout=after if may_kill else None)
    except subprocess.TimeoutExpired:
        # The whole group, as a lost machine would; or the parent alone: its workers have to notice.
        os.killpg(process.pid, signal.SIGKILL) if chance.random() < 0.5 else process.kill()
        said, _ = process.communicate()
        toll.kills += 1
    toll.resumed += "from a checkpoint" in said
    toll.orphans += not _gone(process.pid)
    after_it = _results(folder)
    toll.lost += sum(path not in after_it for path in before)
    toll.trained_twice += sum(after_it.get(path, content) != content for path, content in before.items())
    if process.returncode not in (0, -signal.SIGKILL) or "Traceback" in said:
        toll.complaints.append(f"exit status {process.returncode}: {said[-500:]}")
        return process.returncode >= 0
    return process.returncode == 0


def _results(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """When each result was written, and what it says."""
    found = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("result.json")}
    for _, content in found.values():
        json.loads(content)  # never half-written
    return found


def _gone(session: int) -> bool:
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline:
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    os.killpg(session, signal.SIGKILL)
    return False


def _table(folder: Path) -> str:
    """The sweep's table, byte for byte, times aside."""
    table = pd.read_csv(folder / "comparison.csv", dtype=str).drop(columns="seconds")
    return table.to_csv() + (folder / "comparison.md").read_text()


def _zigzags(folder: Path) -> bool:
    """Whether a curve has two points at one epoch, or goes back."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}, purge_orphaned_data=False)
    events.Reload()
    steps = [[event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]]
    return any(a >= b for each in steps for a, b in pairwise(each))
