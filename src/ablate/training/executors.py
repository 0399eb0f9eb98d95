"""Which way stacks of a model are run; every one is tried first, and held against the module itself.

By hand where all layers have a hand-batched form, else by vmap, else run after run. A module that is none of them as it
is by itself is refused: what were trained would not be the user's model.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from ablate import models
from ablate.config.schema import Config
from ablate.options.schema import Keyed
from ablate.preprocessing.splits import Facts
from ablate.training import batches
from ablate.training.dense import Dense
from ablate.training.functional import Serial, Vmapped, drawing
from ablate.training.numerics import threads
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.seeds import DROPOUT, generator
from ablate.utils.text import cut

Executor = type[Dense | Vmapped]
STEPS = 2  # the second sees what the first left in buffers
# Relative to a tensor's largest number. Ways differ by 1e-6 in what they round, and by far more in what they mean.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class _Seen:
    """What steps of training and an evaluation gave: of one run, by what it is called in a line."""

    tensors: dict[str, Tensor]

    def differs(self, other: _Seen) -> str | None:
        """The first tensor that is not nearly the same."""
        return next((name for name, mine in self.tensors.items() if not _near(mine, other.tensors[name])), None)

    def equals(self, other: _Seen) -> bool:
        return all(torch.equal(mine, other.tensors[name]) for name, mine in self.tensors.items())


def _near(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    a, b = a.double(), b.double()
    limit = TOLERANCE * b.abs().amax() if b.numel() else 0.0
    return torch.allclose(a, b, rtol=0.0, atol=float(limit) + 1e-7, equal_nan=True)


def of(config: Config, data: Facts) -> tuple[Executor, str | None]:
    """How to run stacks of a config's model, and, where that is run after run, why.

    Raises:
        ConfigError: the model can't be trained.
    """
    sizes = tuple(sorted(set(batches.sizes(data.parts, config.trainer.batch_size))))
    return _of(Keyed.of(config.model, config.model.mixes), data.shape, data.outputs, sizes)


@lru_cache(maxsize=64)
def _of(asked: Keyed, shape: tuple[int, ...], outputs: int, sizes: tuple[int, ...]) -> tuple[Executor, str | None]:
    try:
        return executor(models.build(asked.config, shape, outputs, seed=0), shape, sizes)
    except ConfigError as error:
        raise ConfigError(f"model={asked.config.name}: {error}") from error


def executor(model: nn.Module, shape: tuple[int, ...], sizes: Sequence[int]) -> tuple[Executor, str | None]:
    """How to run stacks of this model, and, where that is run after run, why.

    vmap turns some operations (convolutions, say) into others that are rounded differently in company. A run's figures
    must not depend on that, so it is tried: with samples of this shape, in batches of these sizes, a run alone and in a
    stack of four.

    Raises:
        ConfigError: the module can't be trained, or does something that none of the ways does.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError(f"{type(model).__name__}: has no parameters to train")
    x = torch.randn(4, max(sizes), *shape, generator=torch.Generator().manual_seed(0))
    with threads(1):
        try:
            model = copy.deepcopy(model)
            for _, layer in drawing(model):
                layer.p = 0.0  # type: ignore[assignment]
            by_itself = _plain(model, x[1])
        except Exception as error:  # whatever a module of the user's may raise
            raise ConfigError(f"{type(model).__name__}: can't be trained: {cut(one_line(error))}") from error
        ways: list[Executor] = [Dense] if Dense.takes(model, shape) else []
        why = None
        for way in (*ways, Vmapped, Serial):
            wrong = _wrong(way, model, x, by_itself)
            if wrong is None and way is Vmapped and not all(_alike(model, x[:, :size]) for size in set(sizes)):
                wrong = f"vmap rounds {type(model).__name__} differently in company"
            if wrong is None:
                return way, why
            why = wrong
    raise ConfigError(f"{why}; such a module can't be trained here")


def _wrong(way: Executor, model: nn.Module, x: Tensor, by_itself: _Seen) -> str | None:
    """What one of the ways does otherwise than the module, or why it can't."""
    name = type(model).__name__
    try:
        found = _stacked(way, model, x[1:2], 1, 0)
    except Exception as error:  # whatever a module of the user's, or vmap in it, may raise
        does = f"vmap can't map {name}" if way is Vmapped else f"{name} can't be run with tensors that it is given"
        return f"{does}: {' '.join(str(error).split())[:120]}"
    differs = by_itself.differs(found)
    how = "under vmap" if way is Vmapped else "with tensors that it is given"
    return differs and f"{name} {how} is not what it is by itself: {differs} differs"


def _plain(model: nn.Module, x: Tensor) -> _Seen:
    """The module itself, for one run: its random numbers are those that the run would have. x: [batch, *shape]."""
    model = copy.deepcopy(model)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator(1, DROPOUT, 1).get_state())
        model.train()
        for _ in range(STEPS):
            logits = model(x)
            found = torch.autograd.grad(logits, list(trained.values()), logits.detach(), allow_unused=True)
    gradients = {
        name: torch.zeros_like(parameter) if gradient is None else gradient
        for (name, parameter), gradient in zip(trained.items(), found, strict=True)
    }
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with torch.no_grad():
        return _seen(logits.detach(), model.eval()(x), gradients, buffers)


def _stacked(way: Executor, model: nn.Module, x: Tensor, first: int, row: int) -> _Seen:
    """One run of a stack. x: [runs, batch, *shape]; first: the seed of the first, of which each has one more."""
    n = len(x)
    stacked = {
        name: torch.stack([tensor.detach()] * n) for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }
    gradients = {name: torch.zeros_like(stacked[name]) for name, p in model.named_parameters() if p.requires_grad}
    mapped = way([model] * n, list(range(first, first + n)), stacked, gradients)
    mapped.start_epoch(1)
    for _ in range(STEPS):
        logits = mapped.forward(x, training=True)
        mapped.backward(logits)
    buffers = {name: stacked[name][row].clone() for name, _ in model.named_buffers()}
    with torch.no_grad():
        evaluated = mapped.forward(x[row : row + 1])  # as all runs with the same split share it
    return _seen(logits[row].t(), evaluated[row].t(), {name: g[row] for name, g in gradients.items()}, buffers)


def _seen(logits: Tensor, evaluated: Tensor, gradients: dict[str, Tensor], buffers: dict[str, Tensor]) -> _Seen:
    return _Seen(
        {f"its buffer {name}": buffer for name, buffer in buffers.items()}
        | {"what it gives in training": logits, "what it gives in evaluation": evaluated}
        | {f"the gradient of {name}": gradient for name, gradient in gradients.items()}
    )


def _alike(model: nn.Module, x: Tensor) -> bool:
    """Whether a run has the same bits alone and as the second of four. x: [4, batch, *shape]."""
    return _stacked(Vmapped, model, x[1:2], 1, 0).equals(_stacked(Vmapped, model, x, 0, 1))
