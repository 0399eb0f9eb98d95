"""Commands that start at the same time, or nearly: as many results as were reported, and nobody's folder is taken."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from random import Random

from ablate.records.names import ASKED, RESULT
from torture_attacks import Done, Tried, finish, start

TINY = ("model.hidden=[2]", "trainer.batch_size=2000", "logging.tensorboard=false")


def attack(chance: Random, folder: Path) -> Tried:
    """Several runs or sweeps, in folders named by the clock or in one that is typed; or tables made at once."""
    return chance.choice([_runs, _sweeps, _one_sweep, _tables])(chance, folder)


def _together(commands: list[list[str]], at: Path, gaps: list[float]) -> list[Done]:
    processes = []
    for command, gap in zip(commands, gaps, strict=True):
        time.sleep(gap)
        processes.append(start(*command, at=at))
    return [finish(process) for process in processes]


def _judged(commands: list[list[str]], ended: list[Done], lost: str | None) -> Tried:
    wrong = next((done.wrong for done in ended if done.wrong), None)
    odd = [f"exit status {done.status}: {done.err}" for done in ended if done.status not in (0, 2)]
    said = " | ".join(done.err.strip() for done in ended if done.err)
    how = ", ".join(str(done.status) for done in ended)
    return Tried([" ".join(command) for command in commands], how, said, wrong or "".join(odd) or lost)


def _results(at: Path) -> dict[str, int]:
    return {str(path.parent.relative_to(at)): json.loads(path.read_text())["seed"] for path in at.rglob(RESULT)}


def _runs(chance: Random, at: Path) -> Tried:
    n = chance.randint(2, 4)
    words = ["hydra.run.dir=run"] * (chance.random() < 0.2)
    commands = [[f"seed={i}", "trainer.epochs=1", *TINY, *words] for i in range(n)]
    ended = _together(commands, at, [chance.choice([0, 0, 0.1, 0.5]) for _ in commands])
    finished = sum(done.status == 0 for done in ended)
    seeds = sorted(_results(at).values())
    # In one folder that is typed, one replaces the other, one after the other: it was meant to.
    right = len(seeds) == min(finished, 1) if words else seeds == list(range(n)) and finished == n
    return _judged(commands, ended, None if right else f"{finished} finished, and left the results of {seeds}")


def _sweeps(chance: Random, at: Path) -> Tried:
    n = chance.randint(2, 3)
    commands = [["-m", f"seed={i},9", "trainer.epochs=1", *TINY] for i in range(n)]
    ended = _together(commands, at, [chance.choice([0, 0, 0.3]) for _ in commands])
    homes = [str(path.parent.relative_to(at)) for path in at.rglob(ASKED)]
    found = {home: [s for place, s in _results(at).items() if place.startswith(f"{home}/")] for home in homes}
    right = sorted(map(sorted, found.values())) == [[i, 9] for i in range(n)] and all(d.status == 0 for d in ended)
    return _judged(commands, ended, None if right else f"the results of {found}")


def _one_sweep(chance: Random, at: Path) -> Tried:
    """Starts on one folder, of which one does the work; one that is refused takes nothing away."""
    epochs = chance.choice([1, 200])
    command = ["-m", "seed=0,1,2", f"trainer.epochs={epochs}", *TINY, "hydra.sweep.dir=sweep"]
    commands = [command] * chance.randint(2, 4)
    ended = _together(commands, at, [chance.uniform(0, 1.5) for _ in commands])
    refused = [done for done in ended if done.status == 2]
    lost = None
    if sorted(_results(at).values()) != [0, 1, 2] or not (at / "sweep" / ASKED).is_file():
        lost = f"left {sorted(str(path) for path in at.rglob('*'))}"
    if any("another process is at work there" not in done.err for done in refused) or len(refused) == len(ended):
        lost = "refused for another reason, or all of them"
    trained = [done for done in ended if re.search(r"3 runs in \d+ stack", done.out)]
    if len(trained) != 1:
        lost = f"{len(trained)} of them trained"
    return _judged(commands, ended, lost)


def _tables(chance: Random, at: Path) -> Tried:
    (made,) = _together(
        [["-m", "seed=0,1", "regularizer=none,l1", "trainer.epochs=2", *TINY[:2], "hydra.sweep.dir=sweep"]], at, [0]
    )
    commands = [["compare", "sweep"]] * chance.randint(2, 4)
    ended = _together(commands, at, [chance.choice([0, 0, 0.2]) for _ in commands])
    files = {path.name for path in (at / "sweep").iterdir()}
    right = made.status == 0 and all(done.status == 0 for done in ended)
    right = right and {"comparison.csv", "report.html", "comparison"} <= files and not any("part" in f for f in files)
    return _judged(commands, ended, None if right else f"left {sorted(files)}; {made.err}")
