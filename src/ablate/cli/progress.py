"""What a person sees while a run trains, and at its end."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from ablate.config.naming import arm
from ablate.config.schema import Config
from ablate.preprocessing.tasks import PERCENT, TASKS
from ablate.tensorboard.command import how_to_watch
from ablate.training.engine import Row
from ablate.utils.console import Console
from ablate.utils.files import short
from ablate.utils.text import count, fixed

log = logging.getLogger("ablate")
PAUSE = 5.0  # seconds between the lines of a sweep where there is no terminal, at least
SHARE = 0.1  # of the time so far that passes between them, at least: a night has a hundred, not thousands
LINES = 10  # at most so many lines a run where there is no terminal
BAR = 20  # columns of a bar
ROOM = BAR + 14  # columns of a bar with its percentage and the time that is left
PARTS = ("train", "val", "test")
HEADING = 8  # columns of the headings in a panel


def described(row: Row, epochs: int) -> str:
    done, f, watched = f"{row.epoch:>{len(str(epochs))}}/{epochs}", row.figures, _watched(row.figures)
    return (
        f"epoch {done}  loss {fixed(f['loss/train'], 4)} val {fixed(f['loss/val'], 4)}  "
        f"{watched} {fixed(f[f'{watched}/train'], 4)} val {fixed(f[f'{watched}/val'], 4)}"
    )


def _watched(figures: Mapping[str, float]) -> str:
    """The metric by which a task is watched, of those that a row has."""
    return next(task.watched for task in TASKS.values() if f"{task.watched}/val" in figures)


def _shown(metric: str, figure: float) -> str:
    return f"{100 * figure:.2f} %" if metric in PERCENT else fixed(figure, 4)


def due(row: Row, epochs: int) -> bool:
    """Whether a row gets a line where there are only lines: the last, and LINES or so before it."""
    return row.ending is not None or row.epoch == epochs or row.epoch % max(1, epochs // LINES) == 0


class Bar(Progress):
    """A line that says how far things are, on a terminal; it goes when they are done."""

    def __init__(self, console: Console, said: str, total: int, hidden: bool = False) -> None:
        columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False)]
        self.room = console.width - ROOM
        if self.room >= BAR:
            columns += [BarColumn(BAR), TaskProgressColumn(), TimeRemainingColumn(compact=True)]
        else:
            self.room = console.width
        super().__init__(*columns, console=console, transient=True, disable=hidden or not console.is_interactive)
        self.task = self.add_task(said, total=total)

    def show(self, done: int, *said: str) -> None:
        """said: what there is to say; what there is no room for is left out, from the end."""
        while len(said) > 1 and len("  ".join(said)) > self.room:
            said = said[:-1]
        self.update(self.task, completed=done, description="  ".join(said))


class RunDisplay:
    """A live bar on a terminal; elsewhere, and always in the run's log, plain lines. Quiet: only the log."""

    def __init__(self, config: Config, console: Console, quiet: bool = False) -> None:
        self.console, self.epochs, self.quiet = console, config.trainer.epochs, quiet
        self.bar = Bar(console, f"epoch 0/{self.epochs}", self.epochs, hidden=quiet)

    def __enter__(self) -> RunDisplay:
        self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def __call__(self, rows: list[tuple[int, Row]]) -> None:
        ((_, row),) = rows
        watched = _watched(row.figures)
        self.bar.show(
            row.epoch,
            f"epoch {row.epoch}/{self.epochs}",
            f"val {watched} {_shown(watched, row.figures[f'{watched}/val'])}",
            f"loss {fixed(row.figures['loss/val'], 4)}",
        )
        if due(row, self.epochs):
            line = described(row, self.epochs)
            log.info(line)
            if not (self.quiet or self.console.is_interactive):
                self.console.line_of_text(line)


class SweepDisplay:
    """One bar for a whole sweep on a terminal; elsewhere a line every few seconds."""

    def __init__(self, configs: Sequence[Config], console: Console) -> None:
        self.configs, self.console = configs, console
        self.epochs = [0] * len(configs)
        self.left_out = 0  # epochs that runs which stopped early did without
        self.logged: list[list[str]] = [[] for _ in configs]
        self.ended, self.failed, self.said = 0, 0, time.monotonic()
        self.best: tuple[str, ...] = ()
        self.best_figure = math.nan
        self.began = self.said
        self.bar = Bar(console, f"0/{len(configs)} runs", sum(c.trainer.epochs for c in configs))

    def __enter__(self) -> SweepDisplay:
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def plan(self, plan: Any) -> None:
        """Say the plan, and start to draw: workers are forked after this, from a process that has no thread yet."""
        self.console.line_of_text(str(plan))

    def rows(self, rows: list[tuple[int, Row]]) -> None:
        if not self.bar.live.is_started:
            self.bar.start()
        for place, row in rows:
            self.epochs[place] = row.epoch
            if due(row, epochs := self.configs[place].trainer.epochs):
                self.logged[place].append(described(row, epochs))
            watched = _watched(row.figures)
            figure = row.figures[f"{watched}/val"]
            better = figure > self.best_figure if watched == "accuracy" else figure < self.best_figure
            if better or (math.isnan(self.best_figure) and not math.isnan(figure)):
                self.best_figure = figure
                self.best = f"best val {watched} {_shown(watched, figure)}", f"with {arm(self.configs[place])}"
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
        said = self._state()
        self.bar.show(sum(self.epochs) + self.left_out, *said)
        now = time.monotonic()
        if not self.console.is_interactive and now - self.said > max(PAUSE, SHARE * (now - self.began)):
            self.said = now
            self.console.line_of_text("  ".join(said))

    def _state(self) -> list[str]:
        failed = f", {self.failed} failed" if self.failed else ""
        said = [f"{self.ended}/{len(self.configs)} runs{failed}"]
        return [*said, *self.best]


def summary(result: dict[str, Any], folder: Path, console: Console) -> None:
    """The last thing to be said of a run: its figures, why it ended and where its files are."""
    console.open_panel(f"{result['arm']} · seed {result['seed']} · {result['status']}")
    if result["status"] == "finished":
        console.print(_figures(result["metrics"]))
    for heading, text in _said(result):
        console.prose(f"{heading:<{HEADING}}  {text}", indent=HEADING + 2)
    for heading, text in (("files", str(short(folder))), ("curves", how_to_watch(folder))):
        console.line_of_text(f"{heading:<{HEADING}}  {text}")
    console.close_panel()


def _figures(metrics: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=HEADING)
    for _ in PARTS:
        table.add_column(justify="right", min_width=7, no_wrap=True)
    table.add_row("", *PARTS, style="bold")
    watched = _watched(metrics)
    table.add_row(watched, *(_shown(watched, metrics[f"{watched}/{part}"]) for part in PARTS))
    table.add_row("loss", *(fixed(metrics[f"loss/{part}"], 4) for part in PARTS))
    if metrics["penalty"]:
        table.add_row("penalty", fixed(metrics["penalty"], 4))
    return table


def _said(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say of a run beside its figures, under headings."""
    if result["status"] != "finished":
        yield "error", str(result["error"])
        return
    weights, kept = result["weights"], result["epochs"]
    yield "weights", f"{100 * weights['near_zeros']:.1f} % below 1e-3, {100 * weights['zeros']:.1f} % zero"
    if result["config"]["early_stopping"]["restore_best_weights"] and result["best_epoch"]:
        kept = result["best_epoch"]
    yield "ended", f"after {count(result['epochs'], 'epoch')}, {result['seconds']:.2f} s: {result['stopping_reason']}"
    yield "kept", f"the weights of epoch {kept}"
