"""A stack: runs trained together, their parameters side by side (parameters.py).

Padded rows, a fixed size of evaluation batches and a generator for every run are why a run's bits don't depend on its
company.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ablate import models
from ablate.config.schema import Config
from ablate.preprocessing.splits import split
from ablate.training import executors, losses, metrics
from ablate.training.batches import Batches
from ablate.training.hooks import Hooks
from ablate.training.kernels import of_output
from ablate.training.masks import held
from ablate.training.numerics import device, threads
from ablate.training.optimizers import Updater
from ablate.training.parameters import Parameters, Slot, layout
from ablate.utils.seeds import INITIALISATION, derive


class Stack:
    """Rows of parameters, and what it takes to train and judge them.

    configs: an entry a row, all of one `signature`. `order` tells which of the given runs a row holds.
    """

    def __init__(self, configs: Sequence[Config]) -> None:
        self.order = sorted(range(len(configs)), key=lambda i: _neighbours(configs[i]))
        self.configs = [configs[i] for i in self.order]
        self.device = device(self.configs[0])
        splits = [split(config.dataset, config.split_seed, config.task) for config in self.configs]
        self.models = [
            models.build(c.model, s.shape, s.outputs, derive(c.seed, INITIALISATION))
            for c, s in zip(self.configs, splits, strict=True)
        ]
        self.splits = splits
        self._described: dict[int, dict[str, Any]] = {}
        self.task = splits[0].target.task
        self.loss = losses.of(self.configs[0], self.task)
        balanced = getattr(self.configs[0].loss, "class_weights", None) == "balanced"
        self.data = Batches(splits, self.device, balanced)
        self.executor, _ = executors.of(self.configs[0], splits[0].facts)
        self.slots = layout(self.models[0], of_output(self.models[0], splits[0].shape))
        self.parameters = Parameters.of(self.models, self.slots).to(self.device)
        self.best = Parameters.of(self.models, self.slots).to(self.device)  # overwritten at each new best
        self.gradients = torch.zeros_like(self.parameters.weights)
        self.updater = Updater([c.optimizer for c in self.configs], self.parameters.weights, self.gradients)
        self.model = self.executor(*self._binding())
        self._wire()
        self.averages = {acting.is_a.name: self.parameters.weights.clone() for acting in self.hooks.averaging}
        self.judged = self.parameters

    def __len__(self) -> int:
        return len(self.configs)

    @property
    def size(self) -> int:
        """How many parameters a run has."""
        return sum(parameter.numel() for parameter in self.models[0].parameters())

    @property
    def parallelism(self) -> int:
        """How many threads pay inside an operation. Not a matter of how many runs there are."""
        parameters = self.parameters.weights.shape[1]
        return executors.parallelism(self.executor, parameters, self.configs[0].trainer.batch_size)

    def _wire(self) -> None:
        """Make the views and small tensors that follow from which rows there are."""
        self.hooks = Hooks(self.configs, self.slots, self.parameters, self.gradients)

    def _binding(self) -> tuple[list[nn.Module], list[int], dict[str, Tensor], dict[str, Tensor]]:
        """What an executor computes with: models, seeds, tensors, and gradients, which it fills."""
        gradients = {slot.name: slot.of(self.gradients) for slot in self.slots}
        return self.models, [c.seed for c in self.configs], self.parameters.views(self.slots), gradients

    @contextmanager
    def _computing_with(self, parameters: Parameters) -> Iterator[None]:
        """Have the model compute with these; there is one of it, which may keep state of its own."""
        if parameters.weights is self.parameters.weights:
            yield
            return
        rows = torch.arange(len(self), device=self.device)
        kept = self.parameters.pick(rows)
        self.parameters.put(rows, parameters)
        try:
            yield
        finally:
            self.parameters.put(rows, kept)

    def _judge(self) -> None:
        """Renew what is judged and kept: the weights in training or, of runs that have one, an average of theirs."""
        self.judged = self.parameters
        if self.hooks.averaging:
            weights = self.hooks.averaged(self.averages, self.parameters.weights)
            self.judged = Parameters(weights, self.parameters.buffers)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        index = torch.tensor(rows, dtype=torch.int64, device=self.device)
        self.order = [self.order[i] for i in rows]
        self.configs = [self.configs[i] for i in rows]
        self.models = [self.models[i] for i in rows]
        self.splits = [self.splits[i] for i in rows]
        self.parameters, self.best = self.parameters.pick(index), self.best.pick(index)
        self.averages = {name: memory.index_select(0, index) for name, memory in self.averages.items()}
        self.gradients = self.gradients.index_select(0, index)
        self.data.keep(rows)
        self.updater.keep(index, self.parameters.weights, self.gradients)
        self.model = self.model.keep(rows, *self._binding())
        self._wire()
        self._judge()

    def mutable(self, row: int) -> dict[str, Tensor]:
        """Views of all that training changes of a run, by name."""
        views = {f"moments/{i}": moment[row] for i, moment in enumerate(self.updater.moments)}
        strengths = self.configs[row].strengths
        views |= {f"averages/{name}": memory[row] for name, memory in self.averages.items() if strengths[name]}
        for kind, parameters in (("now", self.parameters), ("best", self.best)):
            views[f"{kind}/weights"] = parameters.weights[row]
            views |= {f"{kind}/buffers/{name}": buffer[row] for name, buffer in parameters.buffers.items()}
        return views

    def resume(self, row: int, tensors: dict[str, Tensor], steps: int) -> None:
        """Go on with what `mutable` was for a run after so many steps.

        Raises:
            ValueError: it is something else. Nothing is changed then.
        """
        views = self.mutable(row)
        given, wanted = ({name: (t.dtype, t.shape) for name, t in each.items()} for each in (tensors, views))
        if given != wanted:
            name = min(name for name in given.keys() | wanted.keys() if given.get(name) != wanted.get(name))
            raise ValueError(f"{name} is {_told(given.get(name))} instead of {_told(wanted.get(name))}")
        for name, view in views.items():
            view.copy_(tensors[name])
        self.updater.resume(steps, self.parameters.weights, self.gradients)

    def described(self, row: int) -> dict[str, Any]:
        """What a run's result tells of its data: `Split.described`, and trivial: the metrics of a constant answer."""
        split = self.splits[row]
        if id(split) not in self._described:
            trivial = {f"{name}/test": value for name, value in metrics.trivial(split).items()}
            self._described[id(split)] = {**split.described, "trivial": trivial}
        return self._described[id(split)]

    def kernels(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.kernel]

    def train_epoch(self, epoch: int) -> None:
        """One pass over the training part, in each run's own order."""
        self.model.start_epoch(epoch)
        self.hooks.start_epoch(epoch)
        size, seeds = self.configs[0].trainer.batch_size, [c.seed for c in self.configs]
        for x, y, weight, real in self.data.batches(seeds, epoch, size, self.model.pads):
            self.step(x, y, weight, real)
        self._judge()

    def step(self, x: Tensor, y: Tensor, weight: Tensor, real: int) -> None:
        """One training step, with the places where a regularizer may act, in their order (ablate.regularizers).

        What it is given is one of `Batches.batches`.
        """
        hooks = self.hooks
        if hooks.softens:
            y = losses.probabilities(y, self.data.outputs)
            x, y = hooks.inputs(x, y, real)  # inputs
            y = hooks.targets(y)  # targets
        self._differentiate(x, y, weight)  # masks, outputs, penalty and gradient
        if hooks.ascending:
            with hooks.ascent(), self._second_pass():  # ascent
                self._differentiate(x, y, weight)
        hooks.gradients()  # gradients
        self.updater.step()
        hooks.weights()  # decay, proximal, project
        hooks.average(self.averages, self.updater.steps)  # average

    def _differentiate(self, x: Tensor, y: Tensor, weight: Tensor) -> None:
        """Fill the gradients with those of the objective."""
        logits = self.model.forward(x, training=True)  # masks
        d = self.loss.gradient(logits, y, weight)
        self.hooks.outputs(logits, d, weight)  # outputs
        self.model.backward(d)
        self.hooks.penalty_gradients()  # penalty, gradient

    @contextmanager
    def _second_pass(self) -> Iterator[None]:
        """Another pass over the same batch: with the same masks, and no statistics of it are kept."""
        buffers = {name: buffer.clone() for name, buffer in self.parameters.buffers.items()}
        with held(self.model.masks):
            yield
        for name, buffer in buffers.items():
            self.parameters.buffers[name].copy_(buffer)

    def evaluate(
        self,
        part: str,
        parameters: Parameters | None = None,
        active: dict[str, Tensor] | None = None,
        logits: list[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mean data loss of every run on a part, in eval mode, and the metric by which its task is watched, accuracy or
        RMSE in the unit of the numbers (of several their mean): [runs] each, float64.

        parameters: what to judge in place of what is judged after every epoch; active: is given, by layer, which units
        of the ReLUs were above 0 for some sample: [runs, units], bool; logits: is given them piece by piece,
        [runs, outputs, n].
        """
        parameters = self.judged if parameters is None else parameters
        of_classes = self.task in losses.CLASSES
        loss, watched = _Mean(), _Mean()
        with self._computing_with(parameters):
            for piece in self.data.pieces(part):
                given = self.model.forward(piece.x)
                loss.add(self.loss.values(given, piece.y), piece.in_loss)
                judged = losses.right(given, piece.y).unsqueeze(1) if of_classes else (given - piece.y).square()
                watched.add(judged, piece.weight)
                if logits is not None:
                    logits.append(given)
                if active is not None:
                    for name, units in self.model.active().items():
                        known = active.get(name, units)
                        active[name] = known | units if known.shape == units.shape else known
        return loss.value, watched.value.squeeze(1) if of_classes else (watched.value.sqrt() * self._units).mean(1)

    @property
    def _units(self) -> Tensor:
        """What one of the scaled numbers is in its own unit: [runs, outputs]."""
        return torch.tensor([s.target.scale for s in self.splits], dtype=torch.float64, device=self.device)

    def logits(self, part: str, parameters: Parameters) -> Tensor:
        """What every run says of a part's samples, in eval mode: [runs, outputs, n]. parameters: what to judge."""
        with self._computing_with(parameters):
            return torch.cat([self.model.forward(piece.x) for piece in self.data.pieces(part)], 2)

    @threads(1)  # long sums are rounded by how they were cut for the threads
    def penalty(self) -> Tensor:
        """The penalty of every run, [runs], float64."""
        total = torch.zeros(len(self), dtype=torch.float64, device=self.device)
        for acting in self.hooks.penalties:
            acting.add_value(total, self.judged.weights)
        return total

    @threads(1)
    def weight_figures(self, parameters: Parameters) -> dict[str, Tensor]:
        """Norms and shares of small weights over the kernels, [runs] each."""
        kernels = [slot.of(parameters.weights).flatten(1) for slot in self.kernels()]
        size = torch.cat(kernels or [parameters.weights[:, :0]], 1).double().abs()
        return {
            "l1_norm": size.sum(1),
            "l2_norm": size.square().sum(1).sqrt(),
            "zeros": (size == 0).double().mean(1),
            "near_zeros": (size < 1e-3).double().mean(1),
        }

    @threads(1)
    def gradient_norms(self) -> dict[str, Tensor]:
        """The norm of each kernel's gradient in the last batch, [runs] by layer; penalties that have one included."""
        return {
            slot.name.removesuffix(".weight"): slot.of(self.gradients).flatten(1).norm(dim=1) for slot in self.kernels()
        }

    def inspected(self, row: int) -> dict[str, Tensor]:
        """A run's kernels, `weights/<name>`, and their gradients in the last batch, `gradients/<name>`; views."""
        both = {"weights": self.judged.weights, "gradients": self.gradients}
        return {f"{kind}/{s.name}": s.of(rows)[row].cpu() for kind, rows in both.items() for s in self.kernels()}

    def state(self, row: int, parameters: Parameters) -> dict[str, Tensor]:
        """A run's state dict, copied out; a tensor with several names stands under each."""
        model, views = self.models[row], parameters.views(self.slots)
        tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
        first = {id(tensor): name for name, tensor in reversed(tensors)}
        names = {name: first[id(tensor)] for name, tensor in tensors}
        return {name: views[names[name]][row].cpu().clone() for name in model.state_dict()}


class _Mean:
    """A weighted mean over samples, which come piece by piece."""

    def __init__(self) -> None:
        self.total: Any = 0.0
        self.weights: Any = 0.0

    def add(self, values: Tensor, weight: Tensor | None) -> None:
        """values: [runs, …, n]; weight: [runs or 1, n], or None where all count alike."""
        if weight is None:
            self.total = self.total + values.double().sum(-1)
            self.weights = self.weights + values.shape[-1]
        else:
            weight = weight.double()
            beside = weight.view(len(weight), *[1] * (values.ndim - 2), -1)
            self.total = self.total + (values.double() * beside).sum(-1)
            self.weights = self.weights + beside.sum(-1)

    @property
    def value(self) -> Tensor:
        """[runs, …], float64."""
        return self.total / self.weights


def _told(kind: tuple[torch.dtype, torch.Size] | None) -> str:
    """A tensor's type and shape, `float32 [3, 4]`."""
    return f"{str(kind[0]).removeprefix('torch.')} {list(kind[1])}" if kind else "missing"


def _neighbours(config: Config) -> Any:
    """Sorts runs so that those with the same optimizer numbers, dropout or penalty stand together."""
    noisy = any(config.noise.values())
    return (
        tuple(config.optimizer.model_dump().values()),
        not noisy,
        *(not s for s in config.strengths.values()),
    )
