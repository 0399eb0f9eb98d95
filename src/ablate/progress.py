"""What a person sees while a run trains, and at its end."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ablate.config import Config
from ablate.engine import Row

log = logging.getLogger("ablate")
WIDTH = 120  # of tables where there is no terminal to ask
LINES = 10  # at most so many lines a run where there is no terminal


def consoles() -> tuple[Console, Console]:
    """Standard output and standard error."""
    out = Console()
    return (out if out.is_terminal else Console(width=WIDTH)), Console(stderr=True, soft_wrap=True)


class RunDisplay:
    """A live bar on a terminal; elsewhere, and always in the run's log, plain lines. Quiet: only the log."""

    def __init__(self, config: Config, console: Console, quiet: bool = False) -> None:
        self.console, self.epochs, self.quiet = console, config.trainer.epochs, quiet
        self.every = max(1, self.epochs // LINES)
        columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
        self.bar = Progress(*columns, TimeRemainingColumn(), console=console, disable=quiet or not console.is_terminal)
        self.task = self.bar.add_task("", total=self.epochs)

    def __enter__(self) -> RunDisplay:
        self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def __call__(self, row: Row) -> None:
        f = row.figures
        figures = (
            f"loss {f['loss/train']:.4f} val {f['loss/val']:.4f}  "
            f"accuracy {f['accuracy/train']:.4f} val {f['accuracy/val']:.4f}"
        )
        self.bar.update(self.task, completed=row.epoch, description=figures)
        if row.epoch % self.every == 0 or row.ending is not None:
            line = f"epoch {row.epoch}/{self.epochs}  {figures}"
            log.info(line)
            if not (self.quiet or self.console.is_terminal):
                self.console.print(line, highlight=False, soft_wrap=True)


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
    outer.add_row(escape(f"files  {folder}"))
    outer.add_row(escape(f"curves tensorboard --logdir {folder}"))
    title = f"{result['arm']} · seed {result['seed']} · {result['status']}"
    console.print(Panel(outer, title=escape(title), title_align="left", expand=False))


def _figure(value: float) -> str:
    return f"{value:.4f}"
