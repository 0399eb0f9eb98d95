"""Whether what a config asks for can be trained, and reaches something: a strength without effect is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ablate import models, regularizers
from ablate.config.schema import Config
from ablate.options.schema import Keyed
from ablate.preprocessing.samples import Facts
from ablate.preprocessing.tasks import TASKS
from ablate.regularizers import Regularizer
from ablate.training import executors, losses, trial
from ablate.training.kernels import computed, of_output
from ablate.training.parameters import Slot, layout
from ablate.utils.errors import refuse


def fits(config: Config, data: Facts) -> None:
    """Try whether a config's loss is one of its task, its model can be built and trained for this data, with its
    regularizers, and these reach it.

    Raises:
        ConfigError: it can't; one of them fails, or would reach nothing.
    """
    losses.of(config, data.task)
    monitored, watched = config.early_stopping.monitor, TASKS[data.task].watched
    if monitored.partition("/")[0] not in ("loss", watched):
        raise refuse("early_stopping.monitor", monitored, f"task={data.task} has loss and {watched}")
    models.fits(config.model, data.shape, data.outputs)
    executors.of(config, data)
    asked = Keyed.of(config.model)
    for name in regularizers.names():
        if strength := getattr(config.regularizer, name):
            regularizer = regularizers.get(name)
            if reason := _out_of_reach(regularizer, strength, config.regularizer.layers, asked, data):
                raise refuse(f"regularizer.{name}", strength, reason)
            kernels = [tuple(slot.shape) for slot in _slots(asked, data.shape, data.outputs) if slot.kernel]
            trial.fits(name, strength, data.shape, data.outputs, kernels or [trial.KERNEL])


def _out_of_reach(regularizer: Regularizer, strength: float, layers: str, asked: Keyed, data: Facts) -> str | None:
    """Why a regularizer has no effect on a model, or not on all of what it should be on."""
    if regularizer.masks is not None:
        return _unmasked(regularizer.name, strength, asked, data.shape, data.outputs)
    return _unreached(layers, asked, data.shape, data.outputs) if regularizer.on_kernels else None


@cache
def _unmasked(name: str, strength: float, asked: Keyed, shape: tuple[int, ...], outputs: int) -> str | None:
    """Masks are a model's: it has an argument that follows their strength, and draws them in training."""
    given = asked.config.model_dump(by_alias=True)
    if strength not in _numbers(given):
        if isinstance(own := given.get(name), int | float):
            return f"has no say where model.{name}={own:g} is in force; set one of the two"
        follows = f"no key of model={asked.config.name} follows it, such as {name}: ${{regularizer.{name}}}"
        return f"would reach nothing: {follows}"
    if _noisy(asked, shape, outputs):
        return None
    return f"would reach nothing: model={asked.config.name} draws no masks in training"


@cache
def _unreached(layers: str, asked: Keyed, shape: tuple[int, ...], outputs: int) -> str | None:
    model, name = models.build(asked.config, shape, outputs, seed=0), f"model={asked.config.name}"
    if hidden := computed(model):
        layer, by = next(iter(hidden.items()))
        where = f"the kernel of {layer or type(model).__name__} in {name}"
        return f"wouldn't reach {where}, which {by} computes from other parameters"
    kernels = [slot for slot in _slots(asked, shape, outputs) if slot.kernel]
    if not kernels:
        return f"would reach nothing: {name} has no kernels that are trained"
    if layers == "hidden" and not any(slot.output for slot in kernels):
        return f"can't spare the output layer of {name}, which can't be told; choose regularizer.layers=all"
    if layers == "hidden" and all(slot.output for slot in kernels):
        return f"would reach nothing: {name} has no hidden layers, and regularizer.layers=hidden"
    return None


@cache
def _slots(asked: Keyed, shape: tuple[int, ...], outputs: int) -> list[Slot]:
    model = models.build(asked.config, shape, outputs, seed=0)
    return layout(model, of_output(model, shape))


def _noisy(asked: Keyed, shape: tuple[int, ...], outputs: int) -> bool:
    """Whether a model draws random numbers in training."""
    x = torch.randn(8, *shape, generator=torch.Generator().manual_seed(0))

    def passed(seed: int) -> Tensor:
        model = models.build(asked.config, shape, outputs, seed=0).train()
        torch.manual_seed(seed)
        given: Tensor = model(x)
        return given

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        return not torch.equal(passed(1), passed(2))


def _numbers(node: Any) -> Iterator[float]:
    """The numbers somewhere in a config."""
    if isinstance(node, int | float) and not isinstance(node, bool):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _numbers(each)
