"""Folders in which something is somebody's own, or a link: nothing there is changed.

What is asked for is done beside it, or refused in one line.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from ablate.records.names import LOCK, MARK, WRITING
from ablate.records.ownership import RUN, SWEEP
from torture_attacks import Done, Tried, ablate

TINY = ("trainer.epochs=2", "model.hidden=[2]", "trainer.batch_size=2000")
RUN_NAMES = (
    *RUN.names,
    ".hydra",
    ".hydra/config.yaml",
    "ablate.log",
    "events.out.tfevents.1700000000.host",
    MARK,
    LOCK,
)
SWEEP_NAMES = (*SWEEP.names, "comparison/l1=3e-4", "comparison/events.out.tfevents.1.x", MARK, LOCK, WRITING)
PLACE = "arm/s0"


def attack(chance: Random, folder: Path) -> Tried:
    """One of our names is somebody's own, in a folder of a run, of a sweep, of a table, of a run within a sweep."""
    (folder / "mine").mkdir()
    (folder / "mine" / "notes").write_text("my own")
    kind = chance.choice([_run, _sweep, _table, _within])
    return kind(chance, folder)


def _file(path: Path, top: Path) -> None:
    path.write_text("my own")


def _folder(path: Path, top: Path) -> None:
    path.mkdir()
    (path / "notes").write_text("my own")


def _link_to_file(path: Path, top: Path) -> None:
    path.symlink_to(top / "mine" / "notes")


def _link_to_folder(path: Path, top: Path) -> None:
    path.symlink_to(top / "mine")


def _dangling(path: Path, top: Path) -> None:
    path.symlink_to(top / "mine" / "nothing")


def _pipe(path: Path, top: Path) -> None:
    os.mkfifo(path)


MAKES: list[Callable[[Path, Path], None]] = [_file, _folder, _link_to_file, _link_to_folder, _dangling, _pipe]


def _plant(chance: Random, path: Path, top: Path) -> str:
    """Put something at a path; what."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make = chance.choice(MAKES)
    make(path, top)
    return f"{make.__name__.strip('_')} {path.relative_to(top)}"


def _seen(top: Path) -> dict[str, str]:
    """All that is somebody's own: where links lead, what is in files."""
    return {str(path): str(path.readlink()) if path.is_symlink() else _digest(path) for path in top.rglob("*")}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "there"


def _judged(planted: str, command: list[str], done: Done, lost: list[str]) -> Tried:
    lines = [line for line in done.err.splitlines() if not line.startswith("warning: ")]
    wrong = done.wrong
    if done.status == 2 and (len(lines) != 1 or not lines[0].startswith("error: ")):
        wrong = wrong or f"{len(lines)} lines on stderr"
    if done.status not in (0, 2):
        wrong = wrong or f"exit status {done.status}"
    return Tried([planted, " ".join(command)], str(done.status), done.err, wrong or "; ".join(lost) or None)


def _changed(before: dict[str, str], top: Path, apart: tuple[str, ...] = ()) -> list[str]:
    after = _seen(top)
    return [f"{path} is changed" for path, was in before.items() if path not in apart and after.get(path) != was]


def _run(chance: Random, top: Path) -> Tried:
    name = chance.choice(RUN_NAMES)
    planted = _plant(chance, top / "run" / name, top)
    before = _seen(top)
    command = [*TINY, "regularizer=l1", "hydra.run.dir=run"]
    done = ablate(*command, at=top)
    lost = _changed(before, top, _ours(planted, top / "run"))
    if done.status == 2 and _seen(top).keys() != before.keys():
        lost.append(f"refused, and left {sorted(_seen(top).keys() - before.keys())}")
    return _judged(planted, command, done, lost)


def _ours(planted: str, folder: Path) -> tuple[str, ...]:
    """A plain file of these names says nothing to anybody: it may be taken for ours."""
    return tuple(str(folder / name) for name in (MARK, LOCK, WRITING) if planted.startswith("file"))


def _sweep(chance: Random, top: Path) -> Tried:
    planted = _plant(chance, top / "sweep" / chance.choice(SWEEP_NAMES), top)
    before = _seen(top)
    command = ["-m", *TINY, "regularizer=none,l1", "seed=0,1", "hydra.sweep.dir=sweep"]
    done = ablate(*command, at=top)
    return _judged(planted, command, done, _changed(before, top, _ours(planted, top / "sweep")))


def _table(chance: Random, top: Path) -> Tried:
    """Runs that somebody has put together by hand."""
    made = ablate("-m", *TINY, "regularizer=none,l1", "seed=0,1", "hydra.sweep.dir=sweep", at=top)
    home = top / "collected"
    home.mkdir()
    for arm in list((top / "sweep").glob("*/seed=0")):
        arm.parent.rename(home / arm.parent.name)
    planted = _plant(chance, home / chance.choice(SWEEP_NAMES), top)
    before = _seen(top)
    done = ablate("compare", "collected", at=top)
    lost = _changed(before, top, _ours(planted, home))
    return _judged(planted, ["compare", "collected"], done, lost + ([made.err] if made.status else []))


def _within(chance: Random, top: Path) -> Tried:
    """A run's place within a sweep, or one above it; the run goes beside it, and is found there."""
    above = chance.random() < 0.2
    name = PLACE.split("/")[0] if above else f"{PLACE}/{chance.choice(RUN_NAMES)}"
    planted = _plant(chance, top / "sweep" / name, top)
    before = _seen(top)
    command = ["-m", *TINY, "seed=0,1", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=arm/s${seed}"]
    lost = []
    for _ in range(2):
        done = ablate(*command, at=top)
        lost += _changed(before, top, _ours(planted, top / "sweep" / PLACE))
    if done.status == 0 and "2 runs: 2 reused, 0 to do" not in done.out:
        lost.append("what was done is not found again")
    if done.status and not above:
        lost.append("the sweep was refused for one of its runs")
    return _judged(planted, command, done, lost)
