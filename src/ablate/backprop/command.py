"""`python -m ablate.backprop`: work the steps out, check each of them, show, log and draw them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from ablate.backprop import delta_rule, examples
from ablate.backprop.delta_rule import Step
from ablate.backprop.naming import finite, named
from ablate.backprop.options import Task, read
from ablate.backprop.picture import draw
from ablate.backprop.sections import Setting
from ablate.backprop.show import Display
from ablate.tensorboard.command import how_to_watch
from ablate.utils.errors import ConfigError, RunFailed, refuse
from ablate.utils.files import write

if TYPE_CHECKING:
    from ablate.backprop.record import Record

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 done, 1 the weights grew beyond all numbers, 2 it can't be done."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # δ and Σ, also in a pipe on Windows
    try:
        work(read(sys.argv[1:] if arguments is None else arguments))
    except (ConfigError, RunFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED if isinstance(error, RunFailed) else REFUSED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return DONE


@contextmanager
def _named(option: str, path: Path) -> Iterator[None]:
    """Let what can't be written be refused by the option that named it."""
    try:
        yield
    except OSError as error:
        raise refuse(option, path, f"can't be written: {error.strerror}") from None


def steps(task: Task) -> Iterator[tuple[int, Step, Step]]:
    """Every update's number, the update by hand, and what autograd has for it.

    Raises:
        RunFailed: a value is no finite number any more.
    """
    from ablate.backprop import autograd

    network = task.network
    for update in range(1, task.steps + 1):
        masks = examples.masks(network, task.dropout, task.seed, update) if task.dropout else ()
        with np.errstate(all="ignore"):  # what overflows is found and said below
            step = delta_rule.step(network, task.pattern, task.rate, task.penalty, masks)
        if not finite(named(step)):
            said = "its values grew beyond all numbers; a smaller --rate or --input may help"
            raise RunFailed(f"update {update}: {said}")
        yield update, step, autograd.step(network, task.pattern, task.rate, task.penalty, masks)
        network = step.new


def work(task: Task) -> None:
    """Do what the command line asks for."""
    setting = Setting(task.pattern, task.rate, task.penalty, task.dropout)
    display = Display(Console(), setting)
    with _record(task) as record:
        display.header(task.network, task.title)
        for update, step, check in steps(task):
            if record:
                record.take(update, step)
            if update == 1 or task.full:
                display.full(update, step, check)
            if task.steps > 1 and not task.full:
                if update == 1:
                    display.steps_header(task.network)
                display.brief(update, step, check)
        if record:
            record.end(task.steps, step)
    if task.tensorboard:
        print(f"\ncurves  {how_to_watch(task.tensorboard)}")
    if task.svg:
        with _named("--svg", task.svg):
            task.svg.parent.mkdir(parents=True, exist_ok=True)
            write(task.svg, draw(step, setting, task.steps))
        print(f"\npicture  {task.svg}")


def _record(task: Task) -> AbstractContextManager[Record | None]:
    if task.tensorboard is None:
        return nullcontext()
    from ablate.backprop.record import Record  # with PyTorch and TensorBoard: seconds

    with _named("--tensorboard", task.tensorboard):
        return closing(Record(task.tensorboard, task.penalty))
