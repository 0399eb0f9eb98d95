"""The one training loop. It trains a stack of runs, yields what happened in every epoch and knows no files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate.config.schema import Config
from ablate.preprocessing.samples import Split
from ablate.preprocessing.tasks import TASKS
from ablate.training import metrics
from ablate.training.early_stopping import Stopper
from ablate.training.numerics import flushed_denormals, threads
from ablate.training.stack import Stack

Figures = dict[str, float]


@dataclass
class Row:
    """What one run did in one epoch."""

    run: int  # its place among the configs given to `train`
    epoch: int
    figures: Figures
    tensors: dict[str, Tensor] = field(default_factory=dict)  # kernels and their gradients, where histograms are due
    checkpoint: Checkpoint | None = None  # where one is due
    ending: Ending | None = None


@dataclass
class Checkpoint:
    """All that a run is after an epoch: training goes on from there to the same bits.

    Orders and dropout draw from a stream of their own every epoch, so there is no generator to keep.
    """

    epoch: int
    steps: int
    seconds: float
    stopping: dict[str, float]
    best: Figures
    tensors: dict[str, Tensor] = field(repr=False)


@dataclass
class Ending:
    """How a run ended. metrics and weights: of the weights that are kept; last: of the last epoch's."""

    status: str  # finished or diverged
    metrics: Figures
    last: Figures
    epochs: int
    best_epoch: int | None
    stopped_epoch: int | None
    stopping_reason: str
    weights: Figures
    data: dict[str, Any]  # see `Stack.described`
    model: dict[str, Any]
    split: Split | None = field(repr=False)  # that it was trained on
    state: dict[str, Tensor] = field(repr=False)
    logits: Tensor | None = field(repr=False)  # on the validation part, [outputs, n], where pictures are made of it
    seconds: float = 0.0
    error: str | None = None


class Unfit(Exception):
    """A checkpoint is not one of the run that it was given for. run: its place among the configs."""

    def __init__(self, run: int, why: object) -> None:
        super().__init__(str(why))
        self.run = run


def train(configs: Sequence[Config], checkpoints: Sequence[Checkpoint | None] = ()) -> Iterator[list[Row]]:
    """Train runs of one `stackable.signature` together; yield the rows of every epoch, one a run still going.

    checkpoints: of every run, all of one epoch, or none.

    A run's last row carries its `ending`. `seconds` is the stack's time shared among the runs in it.

    Raises:
        ConfigError: the dataset can't be had. ValueError: the checkpoints are not of one epoch. Unfit: one of them is
            something else.
    """
    if len({saved and saved.epoch for saved in checkpoints}) > 1:
        raise ValueError("runs go on together from the same epoch only")
    clock = time.perf_counter()
    stack = Stack(configs)
    watch = _Watch(stack)
    seconds = dict.fromkeys(stack.order, 0.0)
    done = 0
    for run, saved in enumerate(checkpoints):
        if saved is not None:
            try:
                watch.resume(stack.order.index(run), saved)
            except ValueError as error:
                raise Unfit(run, error) from error
            seconds[run], done = saved.seconds, saved.epoch
    last_saved = clock
    for epoch in range(done + 1, max(c.trainer.epochs for c in configs) + 1):
        with threads(stack.parallelism), flushed_denormals():
            stack.train_epoch(epoch)
            figures = _figures(stack)
            endings = watch.take(epoch, figures)
        now = time.perf_counter()
        clock, share = now, (now - clock) / len(stack)
        rows, waited = [], now - last_saved
        for place, run in enumerate(stack.order):
            seconds[run] += share
            row = Row(run, epoch, {name: float(column[place]) for name, column in figures.items()})
            row.figures["seconds"] = seconds[run]
            row.ending = endings.get(place)
            if row.ending is not None:
                row.ending.seconds = seconds[run]
            every = stack.configs[place].logging.histograms
            if every and (epoch % every == 0 or row.ending is not None):
                row.tensors = stack.inspected(place)
            if row.ending is None and stack.configs[place].trainer.checkpoint_is_due(epoch, waited):
                row.checkpoint = watch.checkpoint(place, epoch, seconds[run])
                last_saved = now
            rows.append(row)
        yield rows
        staying = [place for place in range(len(stack)) if place not in endings]
        if not staying:
            return
        if endings:
            stack.keep(staying)
            watch.keep(staying)


class _Watch:
    """Decides when a run ends, keeps its best weights and sums it up."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.stopper = Stopper([c.early_stopping for c in stack.configs])
        self.restores = np.array([c.early_stopping.restore_best_weights for c in stack.configs])
        self.best: list[Figures] = [{} for _ in stack.configs]

    def checkpoint(self, place: int, epoch: int, seconds: float) -> Checkpoint:
        tensors = {name: view.cpu().clone() for name, view in self.stack.mutable(place).items()}
        steps = self.stack.updater.steps
        return Checkpoint(epoch, steps, seconds, self.stopper.entry(place), self.best[place], tensors)

    def resume(self, place: int, saved: Checkpoint) -> None:
        self.stack.resume(place, saved.tensors, saved.steps)
        self.stopper.resume(place, saved.stopping)
        self.best[place] = saved.best

    def keep(self, rows: list[int]) -> None:
        self.stopper.keep(np.array(rows))
        self.restores = self.restores[rows]
        self.best = [self.best[row] for row in rows]

    def take(self, epoch: int, figures: dict[str, np.ndarray]) -> dict[int, Ending]:
        """Take in an epoch; return the endings of the runs that it was the last of, by row."""
        stack = self.stack
        improved = np.flatnonzero(self.stopper.update(epoch, figures) & self.restores)
        if len(improved):
            rows = torch.from_numpy(improved).to(stack.device)
            stack.best.put(rows, stack.judged)
            for row in improved.tolist():
                self.best[row] = _chosen(figures, row)
        broken = ~np.isfinite(figures["loss/train"] + figures["loss/val"] + figures["penalty"])
        done = np.array([epoch >= c.trainer.epochs for c in stack.configs])
        ending = np.flatnonzero(broken | done | self.stopper.stopped)
        return self._endings(epoch, figures, ending, broken) if len(ending) else {}

    def _endings(
        self, epoch: int, figures: dict[str, np.ndarray], ending: np.ndarray, broken: np.ndarray
    ) -> dict[int, Ending]:
        stack, stopper, task = self.stack, self.stopper, TASKS[self.stack.task]
        restored = self.restores & (stopper.best_epoch > 0) & ~broken
        kept = stack.judged.pick(torch.arange(len(stack), device=stack.device))
        kept.put(torch.from_numpy(np.flatnonzero(restored)).to(stack.device), stack.best)
        losses, answers = [], []
        for rows in (kept, stack.judged):
            said: list[Tensor] = []
            losses.append(stack.evaluate("test", rows, logits=said)[0].tolist())
            answers.append(torch.cat(said, 2).cpu().numpy())
        logged = [c.logging.tensorboard and c.logging.images for c in stack.configs]
        pictured = [row for row in ending.tolist() if logged[row]]
        logits = stack.logits("val", kept).cpu() if pictured else None
        weights = {name: values.tolist() for name, values in stack.weight_figures(kept).items()}
        endings = {}
        for row in ending.tolist():
            split = stack.splits[row]
            (chosen, last) = (
                (self.best[row] if restored[row] and which == 0 else _chosen(figures, row))
                | {"loss/test": losses[which][row]}
                | {f"{name}/test": value for name, value in metrics.of_test(split, answers[which][row], names).items()}
                for which, names in enumerate((task.metrics, (task.watched,)))
            )
            stopped = bool(stopper.stopped[row]) and not broken[row]
            best_epoch = int(stopper.best_epoch[row]) or None
            error = _what_broke(epoch, last) if broken[row] else None
            monitored = stack.configs[row].early_stopping
            if stopped:
                reason = f"{monitored.monitor} had not improved for {stopper.wait[row]} epochs"
            else:
                reason = f"diverged: {error}" if error else "all epochs done"
            endings[row] = Ending(
                status="diverged" if error else "finished",
                metrics=chosen,
                last=last,
                epochs=epoch,
                best_epoch=best_epoch,
                stopped_epoch=epoch if stopped else None,
                stopping_reason=reason,
                weights={name: values[row] for name, values in weights.items()},
                data=stack.described(row),
                model={"name": stack.configs[row].model.name, "parameters": stack.size},
                split=split,
                state=stack.state(row, kept),
                logits=logits[row].clone() if logits is not None and row in pictured else None,
                error=error,
            )
        return endings


def _chosen(figures: dict[str, np.ndarray], row: int) -> Figures:
    """The figures that stand in result.json, of one run."""
    return {
        name: float(column[row])
        for name, column in figures.items()
        if "/" not in name or name.endswith(("/train", "/val"))
    }


def _what_broke(epoch: int, figures: Figures) -> str:
    name = next(n for n in ("loss/train", "loss/val", "penalty") if not np.isfinite(figures[n]))
    return f"{name} is {figures[name]} in epoch {epoch}"


def _figures(stack: Stack) -> dict[str, np.ndarray]:
    """The figures of an epoch, [runs] each. Losses are data losses in eval mode, without the penalty."""
    columns: dict[str, Tensor] = {}
    active: dict[str, Tensor] = {}
    watched = TASKS[stack.task].watched
    columns["loss/train"], columns[f"{watched}/train"] = stack.evaluate("train")
    columns["loss/val"], columns[f"{watched}/val"] = stack.evaluate("val", active=active)
    columns["penalty"] = stack.penalty()
    columns["objective"] = columns["loss/train"] + columns["penalty"]
    columns |= {f"weights/{name}": values for name, values in stack.weight_figures(stack.judged).items()}
    columns |= {f"gradients/{name}": values.double() for name, values in stack.gradient_norms().items()}
    columns |= {f"units/dead/{name}": 1 - units.double().mean(1) for name, units in active.items()}
    table = torch.stack([column.double() for column in columns.values()]).cpu().numpy()
    return dict(zip(columns, table, strict=True))
