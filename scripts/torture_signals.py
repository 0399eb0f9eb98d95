"""Runs and sweeps that are interrupted: Ctrl-C or SIGTERM, once or again and again, at random moments."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from random import Random

from torture_attacks import Done, Tried, ablate, finish, start

COMMANDS = {
    "run": ("trainer.epochs=150", "model.hidden=[16]", "trainer.checkpoint_every=7", "hydra.run.dir=it"),
    "sweep here": (
        "-m", "regularizer=none,l1", "seed=0,1", "trainer.epochs=60", "model.hidden=[16]", "hydra.sweep.dir=it",
        "trainer.checkpoint_every=7", "stack.workers=1",
    ),
    "sweep with workers": (
        "-m", "regularizer=none,dropout", "seed=range(4)", "trainer.epochs=60", "model.hidden=[16]",
        "hydra.sweep.dir=it", "trainer.checkpoint_every=7", "stack.workers=2", "stack.size=2",
    ),
}  # fmt: skip
BEGUN = 0.15  # seconds after which Python has come to our first line
SLOW = 120.0  # seconds that a command may take on a machine that has others to do too
ENDS = 15.0  # seconds within which a command ends after a signal, on a machine that has others to do too
TABLE = "comparison.md"
KNOWN: dict[str, tuple[float, str]] = {}  # by command: seconds, and what it ends with


def attack(chance: Random, folder: Path) -> Tried:
    """Interrupt a command at a random moment, then carry it out again until it is done."""
    name = chance.choice(list(COMMANDS))
    sent = [chance.choice((signal.SIGINT, signal.SIGTERM))] * chance.choice((1, 1, 2, 3))
    lasts, wanted = undisturbed(name, folder / "whole")
    given = [name, f"{sent[0].name} × {len(sent)}"]
    statuses = []
    for _ in range(2):
        after = chance.uniform(BEGUN, chance.choice((1.0, 1.05 * lasts)))  # at its start there is most to go wrong
        done, seconds = interrupted(chance, folder, name, sent, after)
        given.append(f"after {after:.2f} s")
        statuses.append(str(done.status))
        if lost := wrong(done, seconds):
            return Tried(given, "/".join(statuses), done.out + done.err, lost)
    done = ablate(*COMMANDS[name], at=folder, limit=SLOW)
    lost = done.wrong or (f"exit status {done.status}" if done.status else None)
    if not lost and (got := judged(name, folder, done)) != wanted:
        lost = f"another table than without a signal:\n{got}\n{wanted}"
    return Tried(given, "/".join(statuses), done.out + done.err, lost)


def undisturbed(name: str, folder: Path) -> tuple[float, str]:
    """How long a command takes, and what it ends with, where nobody disturbs it."""
    if name not in KNOWN:
        folder.mkdir()
        began = time.monotonic()
        done = ablate(*COMMANDS[name], at=folder, limit=SLOW)
        KNOWN[name] = time.monotonic() - began, judged(name, folder, done)
    return KNOWN[name]


def judged(name: str, folder: Path, done: Done) -> str:
    """The table of a sweep; of a run its figures."""
    if name != "run":
        return (folder / "it" / TABLE).read_text()
    return "\n".join(line for line in done.out.splitlines() if line.startswith(("accuracy", "loss")))


def interrupted(
    chance: Random, folder: Path, name: str, sent: list[signal.Signals], after: float
) -> tuple[Done, float]:
    """How a command ended, and how many seconds after the first of these signals."""
    process = start(*COMMANDS[name], at=folder)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        everyone = sent[0] is signal.SIGINT and chance.random() < 0.5  # as a terminal has it: also to workers
        began = time.monotonic()
        for each in sent:
            if process.poll() is None:
                os.killpg(process.pid, each) if everyone else process.send_signal(each)
            time.sleep(chance.choice((0.0, 0.05, 0.3)))
        return finish(process), time.monotonic() - began
    return finish(process), 0.0


def wrong(done: Done, seconds: float) -> str | None:
    """What is wrong with how a command ended that a signal came to."""
    if done.wrong:
        return done.wrong
    if done.status not in (0, 130):
        return f"exit status {done.status}"
    said = [line for line in done.err.splitlines() if line.startswith("interrupted")]
    if done.status == 130 and not 1 <= len(said) <= 2:
        return "it doesn't say that it was interrupted"
    if seconds > ENDS:
        return f"it took {seconds:.1f} s to end"
    return None
