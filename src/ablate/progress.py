"""What a person sees while a run trains, and at its end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ablate.config import Config, arm
from ablate.engine import Row
from ablate.files import how_to_watch

log = logging.getLogger("ablate")
WIDTH = 120  # of tables where there is no terminal to ask
PAUSE = 5.0  # seconds between the lines of a sweep where there is no terminal
PLAIN: dict[str, Any] = {"highlight": False, "soft_wrap": True, "markup": False}
LINES = 10  # at most so many lines a run where there is no terminal


def consoles() -> tuple[Console, Console]:
    """Standard output and standard error, without blocks of HTML and bars that move in a notebook."""
    how: dict[str, Any] = {"force_jupyter": False}
    if "ipykernel" in sys.modules:
        how["force_terminal"] = False
    out = Console(**how)
    return (out if out.is_terminal else Console(width=WIDTH, **how)), Console(stderr=True, soft_wrap=True, **how)


def described(row: Row) -> str:
    f = row.figures
    return (
        f"loss {f['loss/train']:.4f} val {f['loss/val']:.4f}  "
        f"accuracy {f['accuracy/train']:.4f} val {f['accuracy/val']:.4f}"
    )


def due(row: Row, epochs: int) -> bool:
    """Whether a row gets a line where there are only lines: the last, and LINES or so before it."""
    return row.ending is not None or row.epoch == epochs or row.epoch % max(1, epochs // LINES) == 0


class RunDisplay:
    """A live bar on a terminal; elsewhere, and always in the run's log, plain lines. Quiet: only the log."""

    def __init__(self, config: Config, console: Console, quiet: bool = False) -> None:
        self.console, self.epochs, self.quiet = console, config.trainer.epochs, quiet
        columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
        hidden = quiet or not console.is_terminal
        self.bar = Progress(*columns, TimeRemainingColumn(), console=console, disable=hidden)
        self.task = self.bar.add_task("", total=self.epochs)

    def __enter__(self) -> RunDisplay:
        self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def __call__(self, rows: list[tuple[int, Row]]) -> None:
        ((_, row),) = rows
        self.bar.update(self.task, completed=row.epoch, description=described(row))
        if due(row, self.epochs):
            line = f"epoch {row.epoch}/{self.epochs}  {described(row)}"
            log.info(line)
            if not (self.quiet or self.console.is_terminal):
                self.console.print(line, **PLAIN)


class SweepDisplay:
    """One bar for a whole sweep on a terminal; elsewhere a line every few seconds."""

    def __init__(self, configs: Sequence[Config], console: Console) -> None:
        self.configs, self.console = configs, console
        self.epochs = [0] * len(configs)
        self.left_out = 0  # epochs that runs which stopped early did without
        self.logged: list[list[str]] = [[] for _ in configs]
        self.ended, self.failed, self.best, self.said = 0, 0, ("", 0.0), time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self.task = self.bar.add_task("", total=sum(c.trainer.epochs for c in configs))

    def __enter__(self) -> SweepDisplay:
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def plan(self, plan: Any) -> None:
        """Say the plan, and start to draw: workers are forked after this, from a process that has no thread yet."""
        self.console.print(str(plan), **PLAIN)

    def rows(self, rows: list[tuple[int, Row]]) -> None:
        if not self.bar.live.is_started:
            self.bar.start()
        for place, row in rows:
            self.epochs[place] = row.epoch
            if due(row, epochs := self.configs[place].trainer.epochs):
                self.logged[place].append(f"epoch {row.epoch}/{epochs}  {described(row)}")
            if row.figures["accuracy/val"] > self.best[1]:
                self.best = arm(self.configs[place]), row.figures["accuracy/val"]
        self._draw()

    def result(self, place: int, result: dict[str, Any]) -> None:
        self.left_out += self.configs[place].trainer.epochs - (result["epochs"] or self.epochs[place])
        self.ended += 1
        self.failed += result["status"] != "finished"
        self._draw()

    def lines(self, place: int) -> list[str]:
        """A run's lines for its log."""
        return self.logged[place]

    def _draw(self) -> None:
        self.bar.update(self.task, completed=sum(self.epochs) + self.left_out, description=self._state())
        if not self.console.is_terminal and time.monotonic() - self.said > PAUSE:
            self.said = time.monotonic()
            self.console.print(self._state(), **PLAIN)

    def _state(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        best = f"  best val accuracy {self.best[1]:.4f} ({self.best[0]})" if self.best[0] else ""
        return f"{self.ended}/{len(self.configs)} runs{failed}  {sum(self.epochs)} epochs{best}"


def summary(result: dict[str, Any], folder: Path, console: Console) -> None:
    """The figures of a run that ended, why it ended and where its files are."""
    metrics = result["metrics"]
    grid = Table.grid(padding=(0, 2))
    for _ in range(4):
        grid.add_column(justify="left")
    if metrics:
        grid.add_row("", "train", "val", "test", style="bold")
        for name in ("accuracy", "loss"):
            grid.add_row(name, *(_figure(metrics[f"{name}/{part}"]) for part in ("train", "val", "test")))
        if metrics["penalty"]:
            grid.add_row("penalty", _figure(metrics["penalty"]), "", "")
        weights = result["weights"]
        grid.add_row("weights", f"{weights['near_zeros']:.1%} below 1e-3", f"{weights['zeros']:.1%} zero", "")
    outer = Table.grid()
    outer.add_row(grid)
    if result["status"] == "finished":
        kept = result["epochs"]
        if result["config"]["early_stopping"]["restore_best_weights"] and result["best_epoch"]:
            kept = result["best_epoch"]
        ended = f"{result['epochs']} epochs in {result['seconds']:.2f} s: {result['stopping_reason']}; "
        outer.add_row(escape(ended + f"weights of epoch {kept} kept"))
    else:
        outer.add_row(f"[red]{escape(str(result['error']))}[/red]")
    outer.add_row(escape(f"files   {folder}"))
    outer.add_row(escape(f"curves  {how_to_watch(folder)}"))
    title = f"{result['arm']} · seed {result['seed']} · {result['status']}"
    console.print(Panel(outer, title=escape(title), title_align="left", expand=False))


def _figure(value: float) -> str:
    return f"{value:.4f}"
