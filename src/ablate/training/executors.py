"""Which way stacks of a model are run; every one is tried first, and held against the module itself.

By hand where all layers have a hand-batched form, else by vmap, else run after run. A module that is none of them as it
is by itself is refused: what were trained would not be the user's model.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from ablate import models
from ablate.config.schema import Config
from ablate.options.schema import Keyed, ModelConfig
from ablate.preprocessing.samples import Facts
from ablate.training import batches
from ablate.training.dense import Dense
from ablate.training.functional import Serial, Vmapped, drawing
from ablate.training.numerics import threads
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.seeds import DROPOUT, generator
from ablate.utils.text import cut

Executor = type[Dense | Vmapped]
# PyTorch's own words are longer than a line, and about its code.
NOT_COPIED = (
    "it can't be copied: it keeps a computed tensor, as torch.nn.utils.weight_norm and prune do; "
    "torch.nn.utils.parametrizations has others"
)
WIDE = 8_000_000  # parameters × batch size from which a second thread pays; small products are slower on two
WHOLE = 1024  # samples, beyond which sums are cut among the threads, and rounded accordingly
RUNS = 4
STEPS = 2  # the second sees what the first left in buffers
# Relative to a tensor's largest number. Ways differ by 1e-6 in what they round, and by far more in what they mean.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class _Seen:
    """What steps of training and an evaluation gave one run, by what it is called in a line."""

    tensors: dict[str, Tensor]
    gradients: dict[str, Tensor]

    def differs(self, other: _Seen) -> str | None:
        """The first tensor that is not nearly the same. Gradients are held against the largest of all."""
        largest = max(float(gradient.abs().max()) for gradient in self.gradients.values())
        for name, mine in self.tensors.items():
            if not _near(mine, other.tensors[name], float(mine.double().abs().max()) if mine.numel() else 0.0):
                return name
        found = (name for name, mine in self.gradients.items() if not _near(mine, other.gradients[name], largest))
        return next((f"the gradient of {name}" for name in found), None)

    def equals(self, other: _Seen) -> bool:
        pairs = ((self.tensors, other.tensors), (self.gradients, other.gradients))
        return all(torch.equal(mine, theirs[name]) for own, theirs in pairs for name, mine in own.items())


def _near(a: Tensor, b: Tensor, scale: float) -> bool:
    if a.shape != b.shape:
        return False
    return torch.allclose(a.double(), b.double(), rtol=0.0, atol=TOLERANCE * scale + 1e-7, equal_nan=True)


def of(config: Config, data: Facts) -> tuple[Executor, str | None]:
    """How to run stacks of a config's model, and, where that is run after run, why.

    Raises:
        ConfigError: the model can't be trained.
    """
    sizes = batches.sizes(data.parts, config.trainer.batch_size)
    return chosen(config.model, data.shape, data.outputs, sizes)


def chosen(
    model: ModelConfig, shape: tuple[int, ...], outputs: int, sizes: Iterable[int]
) -> tuple[Executor, str | None]:
    """The same of a model's config. sizes: of the batches that its runs meet."""
    return _of(Keyed.of(model, model.mixes), shape, outputs, tuple(sorted(set(sizes))))


@lru_cache(maxsize=64)
def _of(asked: Keyed, shape: tuple[int, ...], outputs: int, sizes: tuple[int, ...]) -> tuple[Executor, str | None]:
    try:
        made = [models.build(asked.config, shape, outputs, seed) for seed in range(RUNS)]
        return executor(made, shape, sizes)
    except ConfigError as error:
        raise ConfigError(f"model={asked.config.name}: {error}") from error


def executor(made: Sequence[nn.Module], shape: tuple[int, ...], sizes: Sequence[int]) -> tuple[Executor, str | None]:
    """How to run stacks of a model, and, where that is run after run, why.

    vmap turns some operations (convolutions, say) into others that are rounded differently in company. A run's figures
    must not depend on that, so it is tried: with samples of this shape, in batches of these sizes, a run alone and in a
    stack of four.

    made: four of the model, as different runs have it.

    Raises:
        ConfigError: the module can't be trained, or does something that none of the ways does.
    """
    name = type(made[0]).__name__
    if not any(parameter.requires_grad for parameter in made[0].parameters()):
        raise ConfigError(f"{name}: has no parameters to train")
    x = torch.randn(RUNS, max(sizes), *shape, generator=torch.Generator().manual_seed(0))
    with threads(1):
        try:
            made = [_quiet(model) for model in made]
            by_itself = _plain(made[1], x[1])
        except Exception as error:  # whatever a module of the user's may raise
            said = NOT_COPIED if "deepcopy protocol" in str(error) else one_line(error)
            raise ConfigError(f"{name}: can't be trained: {cut(said)}") from error
        ways: list[Executor] = [Dense] if Dense.takes(made[0], shape) else []
        why = None
        for way in (*ways, Vmapped, Serial):
            wrong = _wrong(way, made, x, by_itself)
            if wrong is None and way is Vmapped and not all(_alike(made, x[:, :size]) for size in set(sizes)):
                wrong = f"vmap rounds {name} differently in company"
            if wrong is None:
                return way, why
            why = wrong
    raise ConfigError(f"{why}; such a module can't be trained here")


def parallelism(way: Executor, parameters: int, batch: int) -> int:
    """How many threads pay inside an operation, of runs of so many parameters.

    Sums over very many samples would be rounded by how they are cut; and so would who knows what in modules that are
    not hand-batched.
    """
    pays = way is Dense and parameters * batch >= WIDE and batch <= WHOLE
    return torch.get_num_threads() if pays else 1


def _quiet(model: nn.Module) -> nn.Module:
    """A copy without dropout of the layers that draw masks here: these are drawn from other streams than PyTorch's."""
    model = copy.deepcopy(model)
    model.eval()
    for name, layer in drawing(model):
        if layer.training:
            raise ConfigError(f"its layer {name} stays in training in evaluation")
        layer.p = 0.0  # type: ignore[assignment]
    return model


def _wrong(way: Executor, made: Sequence[nn.Module], x: Tensor, by_itself: _Seen) -> str | None:
    """What one of the ways does otherwise than the second module by itself, or why it can't."""
    name = type(made[0]).__name__
    try:
        found = _stacked(way, made[:2], x[:2], 0, 1)
    except Exception as error:  # whatever a module of the user's, or vmap in it, may raise
        does = f"vmap can't map {name}" if way is Vmapped else f"{name} can't be run with other tensors than its own"
        return f"{does}: {' '.join(one_line(error).split())[:120]}"
    differs = by_itself.differs(found)
    where = "under vmap" if way is Vmapped else "in a stack"
    return differs and f"{name} {where} is not what it is by itself: {differs} differs"


def _plain(model: nn.Module, x: Tensor) -> _Seen:
    """The module itself, for the run of seed 1: its random numbers are those that the run would have.

    x: [batch, *shape]. Weights change between the steps, so that whatever goes on with those of before is seen.
    """
    model = copy.deepcopy(model)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator(1, DROPOUT, 1).get_state())
        model.train()
        for step in range(STEPS):
            for parameter in trained.values():
                parameter.grad = None
            logits = model(x)
            logits.backward(logits.detach())
            if step + 1 < STEPS:
                for parameter in trained.values():
                    parameter.data.add_(_step(parameter))
    if all(parameter.grad is None for parameter in trained.values()):
        raise ConfigError("no gradient reaches its parameters")
    gradients = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in trained.items()}
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with torch.no_grad():
        return _seen(logits.detach(), model.eval()(x), gradients, buffers)


def _step(parameter: Tensor) -> Tensor:
    """How far the weights are moved between the steps."""
    return 0.1 * parameter.detach().abs().mean(tuple(range(parameter.ndim - 1)) or (0,)).sin() + 0.01


def _stacked(way: Executor, made: Sequence[nn.Module], x: Tensor, first: int, row: int) -> _Seen:
    """One run of a stack. x: [runs, batch, *shape]; first: the seed of the first, of which each has one more."""
    each = [dict(model.named_parameters()) | dict(model.named_buffers()) for model in made]
    stacked = {name: torch.stack([tensors[name].detach() for tensors in each]) for name in each[0]}
    trained = [name for name, parameter in made[0].named_parameters() if parameter.requires_grad]
    gradients = {name: torch.zeros_like(stacked[name]) for name in trained}
    mapped = way(made, list(range(first, first + len(made))), stacked, gradients)
    mapped.start_epoch(1)
    for step in range(STEPS):
        logits = mapped.forward(x, training=True)
        mapped.backward(logits)
        if step + 1 < STEPS:
            for name in trained:
                for run in stacked[name]:
                    run.add_(_step(run))
    buffers = {name: stacked[name][row].clone() for name, _ in made[0].named_buffers()}
    with torch.no_grad():
        evaluated = mapped.forward(x[row : row + 1])  # as all runs with the same split share it
    return _seen(logits[row].t(), evaluated[row].t(), {name: g[row] for name, g in gradients.items()}, buffers)


def _seen(logits: Tensor, evaluated: Tensor, gradients: dict[str, Tensor], buffers: dict[str, Tensor]) -> _Seen:
    given = {"what it gives in training": logits, "what it gives in evaluation": evaluated}
    return _Seen({f"its buffer {name}": buffer for name, buffer in buffers.items()} | given, gradients)


def _alike(made: Sequence[nn.Module], x: Tensor) -> bool:
    """Whether a run has the same bits alone and as the second of four. x: [4, batch, *shape]."""
    return _stacked(Vmapped, made[1:2], x[1:2], 1, 0).equals(_stacked(Vmapped, made, x, 0, 1))
