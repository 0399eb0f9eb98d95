"""`python -m ablate.backprop`: work the steps out, check each of them, show, log and draw them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ablate.backprop import delta_rule
from ablate.backprop.delta_rule import Step
from ablate.backprop.formulas import named, numbered
from ablate.backprop.picture import draw
from ablate.backprop.show import Display
from ablate.backprop.task import Task, draw_masks, read
from ablate.tensorboard.command import how_to_watch
from ablate.utils.console import FAILED, FINISHED, REFUSED, complain
from ablate.utils.errors import ConfigError, RunFailed, refuse
from ablate.utils.files import write


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 done, 1 the weights grew beyond all numbers, 2 it can't be done."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # δ and Σ, also in a pipe on Windows
    try:
        work(read(sys.argv[1:] if arguments is None else arguments))
    except (ConfigError, RunFailed) as error:
        complain(f"error: {error}")
        return FAILED if isinstance(error, RunFailed) else REFUSED
    return FINISHED


def work(task: Task) -> None:
    """Do what the command line asks for.

    Raises:
        ConfigError: what is to be written can't be.
        RunFailed: a value is no finite number any more.
    """
    network, regularizer, display = task.network, task.regularizer, Display()
    with _writer(task.tensorboard) as writer:
        for update in range(1, task.steps + 1):
            dropped = draw_masks(network, regularizer.dropout, task.seed, update)
            given = network, task.pattern, task.rate, regularizer, dropped
            with np.errstate(all="ignore"):  # what overflows is found and said below
                step = delta_rule.step(*given)
                finite = np.isfinite(step.values).all()
            if update == 1:
                display.header(task.title, step)
            if not finite:
                said = "its values grew beyond all numbers; a smaller --rate or --input may help"
                raise RunFailed(f"update {update}: {said}")
            from ablate.backprop import autograd  # with PyTorch: seconds, in which there is a header to read

            check = autograd.step(*given)
            if writer:
                writer.add_metrics(figures(step, after=False), update - 1)
            if update == 1 or task.full:
                display.full(update, step, check)
            if task.steps > 1 and not task.full:
                display.brief(update, step, check)
            network = step.new
        if writer:
            writer.add_metrics(figures(step, after=True), task.steps)
    if task.tensorboard:
        print(f"\ncurves  {how_to_watch(task.tensorboard)}")
    if task.svg:
        with _named("--svg", task.svg):
            task.svg.parent.mkdir(parents=True, exist_ok=True)
            write(task.svg, draw(step, task.steps))
        print(f"\npicture  {task.svg}")


def _writer(folder: Path | None) -> AbstractContextManager[Any]:
    """Of scalars. In TensorBoard they take the place of an earlier command's in the folder."""
    if folder is None:
        return nullcontext()
    from ablate.tensorboard.writer import Writer  # with PyTorch and TensorBoard: seconds

    with _named("--tensorboard", folder):
        return closing(Writer(folder, purge_step=0))


def figures(step: Step, after: bool) -> dict[str, float]:
    """For TensorBoard: what a step started from, and the deltas and gradients found; or what its update left."""
    network, passed = (step.new, step.after) if after else (step.network, step.before)
    penalty, numbers = sum(step.regularizer.penalties(network.weights).values()), numbered(network)
    found = {"error": passed.error, "penalty": penalty, "objective": passed.error + penalty}
    found |= {f"outputs/y{j}": y for j, y in zip(numbers[-1], passed.ys[-1], strict=True)}
    found |= {f"weights/{name}": w for name, w in named(network, network.weights, network.biases).items()}
    if not after:
        biases = [-delta for delta in step.deltas[: len(network.biases)]]
        found |= {f"gradients/{name}": slope for name, slope in named(network, step.gradients, biases).items()}
        found |= {f"deltas/delta{j}": delta for j, delta in zip(chain(*numbers[1:]), chain(*step.deltas), strict=True)}
    return found


@contextmanager
def _named(option: str, path: Path) -> Iterator[None]:
    """Let what can't be written be refused by the option that named it."""
    try:
        yield
    except OSError as error:
        raise refuse(option, path, f"can't be written: {error.strerror}") from None
