"""A sweep that is killed; its checkpoints, or other files of its runs, are damaged, or the clock is set back.

The same command ends with the figures of one that was never killed.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

from safetensors import safe_open
from safetensors.torch import save
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from ablate.records import checkpoints
from ablate.records.names import CHECKPOINT, EARLIER, EVENTS, HISTORY, RESULT
from torture_attacks import Tried, ablate, start

SWEEP = ("-m", "regularizer=none,l1,dropout", "seed=0,1", "model.hidden=[16]", "trainer.batch_size=16",
         "trainer.epochs=40", "trainer.checkpoint_every=3", "logging.graph=false", "logging.images=false",
         "hydra.sweep.dir=sweep")  # fmt: skip
ODD: list[object] = [None, True, "abc", -1, 10**400, [], {}, float("nan"), float("inf"), 1e308, "\x1b[2J", "\ud800"]


def attack(chance: Random, folder: Path) -> Tried:
    return chance.choice([_damaged, _damaged, _damaged, _rerun])(chance, folder)


def _whole(folder: Path) -> dict[str, tuple[object, ...]]:
    ablate(*SWEEP[:-1], "hydra.sweep.dir=whole", at=folder, limit=60)
    return _figures(folder / "whole")


def _figures(sweep: Path) -> dict[str, tuple[object, ...]]:
    """What its runs have come to, by arm and seed; times aside."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(sweep.rglob(RESULT), key=lambda path: path.parent.name != EARLIER):  # what came later counts
        result = json.loads(path.read_text())
        rows = [line.rpartition(",")[0] for line in path.with_name(HISTORY).read_text().splitlines()]
        found[f"{result['arm']} {result['seed']}"] = (result["status"], result["metrics"], rows)
    return found


def _killed(chance: Random, folder: Path) -> list[Path]:
    """Start the sweep, and kill it when it has so many checkpoints."""
    process = start(*SWEEP, at=folder)
    wanted, deadline = chance.randint(1, 6), time.monotonic() + 60
    while len(found := list(folder.glob(f"sweep/**/{CHECKPOINT}"))) < wanted and time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.2))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return found


def _bits(path: Path, chance: Random) -> str:
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    content[at] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return f"a bit of byte {at} of {len(content)}"


def _cut(path: Path, chance: Random) -> str:
    content = path.read_bytes()
    path.write_bytes(content[: (at := chance.randrange(len(content)))])
    return f"cut to {at} of {len(content)} bytes"


def _rewritten(path: Path, change: Callable[[dict[str, str], dict[str, Tensor]], None]) -> None:
    """What somebody has changed, with a checksum that fits."""
    with safe_open(path, framework="pt") as file:
        said, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    said.pop(checkpoints.CHECKSUM)
    change(said, tensors)
    path.write_bytes(save(tensors, said | {checkpoints.CHECKSUM: checkpoints._checksum(said, tensors)}))


def _state(path: Path, chance: Random) -> str:
    odd = chance.choice(ODD)

    def change(said: dict[str, str], _: dict[str, Tensor]) -> None:
        state = json.loads(said["state"])
        key = chance.choice([*state, "nonsense"])
        if odd is None and key in state:
            del state[key]
        else:
            state[key] = odd
        said["state"] = json.dumps(state)

    _rewritten(path, change)
    return f"a key of its state is {odd!r:.20}"


def _tensor(path: Path, chance: Random) -> str:
    how = chance.choice(["missing", "cut", "one", "rounded", "another", "flat"])

    def change(_: dict[str, str], tensors: dict[str, Tensor]) -> None:
        name = chance.choice(sorted(tensors))
        old = tensors.pop(name)
        made = {"cut": old[:3].clone(), "one": old[:1].clone(), "rounded": old.half(), "flat": old.reshape(-1, 1)}
        if how == "another":
            tensors["other/weights"] = old
        elif how != "missing":
            tensors[name] = made[how]

    _rewritten(path, change)
    return f"a tensor is {how}"


def _history(path: Path, chance: Random) -> str:
    file = path.with_name(HISTORY)
    os.truncate(file, chance.randrange(file.stat().st_size))
    return "its history is cut"


def _replaced(path: Path, chance: Random) -> str:
    path.unlink()
    how = chance.choice(["folder", "link", "pipe", "gone"])
    if how == "folder":
        path.mkdir()
    elif how == "link":
        path.symlink_to(HISTORY)
    elif how == "pipe":
        os.mkfifo(path)
    return f"it is a {how}"


DAMAGES: list[Callable[[Path, Random], str]] = [
    _bits,
    _bits,
    _cut,
    _state,
    _state,
    _tensor,
    _tensor,
    _history,
    _replaced,
]


def _damaged(chance: Random, folder: Path) -> Tried:
    wanted = _whole(folder)
    damaged = []
    for path in chance.sample(found := sorted(_killed(chance, folder)), min(len(found), chance.randint(1, 2))):
        damaged.append(chance.choice(DAMAGES)(path, chance))
    if chance.random() < 0.3:  # the clock was set back in between
        for path in folder.glob(f"sweep/**/{EVENTS}"):
            head, second, rest = path.name.partition(".tfevents.")[0], *path.name.split(".tfevents.")[1].split(".", 1)
            path.rename(path.with_name(f"{head}.tfevents.{int(second) + 3600}.{rest}"))
            damaged.append("a clock set back")
    done = ablate(*SWEEP, at=folder, limit=60)
    lost = done.wrong
    if done.status or _figures(folder / "sweep") != wanted:
        lost = lost or f"exit status {done.status}, and other figures: {done.err}"
    if zigzags := [str(path.parent) for path in folder.glob(f"sweep/**/{RESULT}") if _zigzags(path.parent)]:
        lost = lost or f"curves that go back: {zigzags}"
    return Tried(damaged, str(done.status), done.err, lost)


def _rerun(chance: Random, folder: Path) -> Tried:
    """`rerun=all`, killed: all that the runs had left is there, until they have ended anew."""
    wanted = _whole(folder)
    (folder / "whole").rename(folder / "sweep")
    process = start(*SWEEP, "rerun=all", at=folder)
    time.sleep(chance.uniform(3, 8))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    lost = None
    for path in sorted(folder.glob("sweep/*/*/")):
        points = max(_points(path), _points(path / EARLIER))
        if points != 40:
            lost = f"{path} shows {points} of 40 points"
    done = ablate(*SWEEP, "rerun=failed", at=folder, limit=60)
    if done.status or _figures(folder / "sweep") != wanted:
        lost = lost or f"exit status {done.status}, and other figures: {done.err}"
    return Tried(["rerun=all"], str(done.status), done.err, done.wrong or lost)


def _events(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}, purge_orphaned_data=False)
    events.Reload()
    return events


def _points(folder: Path) -> int:
    if not any(folder.glob(EVENTS)):
        return 0
    events = _events(folder)
    return len(events.Scalars("loss/val")) if "loss/val" in events.Tags()["scalars"] else 0


def _zigzags(folder: Path) -> bool:
    events = _events(folder)
    steps = [[event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]]
    return any(a >= b for each in steps for a, b in pairwise(each))
