"""Whether what a config asks for can be trained, and reaches something: a strength without effect is refused."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from ablate import models, regularizers
from ablate.config.schema import Config
from ablate.options.schema import Keyed
from ablate.preprocessing.splits import Facts
from ablate.regularizers import Regularizer
from ablate.training import executors, trial
from ablate.training.functional import drawing
from ablate.training.kernels import computed, of_output
from ablate.training.parameters import Slot, layout
from ablate.utils.errors import refuse


def fits(config: Config, data: Facts) -> None:
    """Try whether a config's model can be built and trained for this data, with its regularizers, and these reach it.

    Raises:
        ConfigError: it can't; one of them fails, or would reach nothing.
    """
    models.fits(config.model, data.shape, data.outputs)
    executors.of(config, data)
    asked = Keyed.of(config.model)
    for name in regularizers.names():
        if strength := getattr(config.regularizer, name):
            regularizer = regularizers.get(name)
            if reason := _out_of_reach(regularizer, config.regularizer.layers, asked, data.shape, data.outputs):
                raise refuse(f"regularizer.{name}", strength, f"would reach nothing: {reason}")
            kernels = [tuple(slot.shape) for slot in _slots(asked, data.shape, data.outputs) if slot.kernel]
            trial.fits(name, strength, data.shape, data.outputs, kernels or [trial.KERNEL])


@cache
def _out_of_reach(
    regularizer: Regularizer, layers: str, asked: Keyed, shape: tuple[int, ...], outputs: int
) -> str | None:
    """Why a regularizer has no effect on a model, or not on all of what it should be on."""
    model = models.build(asked.config, shape, outputs, seed=0)
    name = f"model={asked.config.name}"
    if regularizer.masks is not None:
        if getattr(asked.config, regularizer.name, None) == 0:
            return f"model.{regularizer.name}=0 is in force"
        draws = any(layer.p for _, layer in drawing(model) if regularizers.of_layer(layer) is regularizer)
        return None if draws or _noisy(model, shape) else f"{name} has no layer that draws its masks"
    if not regularizer.on_kernels:
        return None
    if hidden := computed(model):
        layer, by = next(iter(hidden.items()))
        return f"{name}: the kernel of {layer or type(model).__name__} is computed by {by}, not trained itself"
    kernels = [slot for slot in _slots(asked, shape, outputs) if slot.kernel]
    if not kernels:
        return f"{name} has no kernels that are trained"
    if layers == "hidden" and all(slot.output for slot in kernels):
        return f"{name} has no hidden layers, and regularizer.layers=hidden"
    return None


@cache
def _slots(asked: Keyed, shape: tuple[int, ...], outputs: int) -> list[Slot]:
    model = models.build(asked.config, shape, outputs, seed=0)
    return layout(model, of_output(model, shape))


def _noisy(model: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a model draws random numbers of its own in training."""
    x = torch.randn(8, *shape, generator=torch.Generator().manual_seed(0))

    def passed(seed: int) -> Tensor:
        torch.manual_seed(seed)
        given: Tensor = model.train()(x)
        return given

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        return not torch.equal(passed(1), passed(2))
