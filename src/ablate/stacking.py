"""A stack: runs trained together, their parameters side by side in one buffer.

A row of the buffer holds all parameters of a run, padded to a multiple of 16 numbers: the fused optimizers
round their last few elements by another code path than the others, and padding keeps every real parameter
out of it. That, a fixed size of evaluation batches and a generator for every run is why a run's bits don't
depend on its company.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ablate import losses, models, regularizers
from ablate.config import Config
from ablate.discovery import load
from ablate.layers import Chain
from ablate.optimizers import Updater
from ablate.seeds import INITIALISATION, ORDER, derive, generator
from ablate.splits import Part, Split, split

PAD = 16  # floats in a row, and samples in the last batch of an epoch, come in multiples of this
EVALUATION_BATCH = 512


def signature(config: Config) -> str:
    """What runs must have in common to share a stack."""
    model = config.model.model_dump(exclude={"dropout", "input_dropout", "init"})
    dataset = config.dataset.model_dump(exclude={"split_seed"})
    return repr((dataset, model, config.optimizer.name, config.trainer.batch_size, config.device))


def device(config: Config) -> torch.device:
    """The device that `device` names; auto takes a GPU where there is one."""
    if config.device != "auto":
        return torch.device(config.device)
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


@dataclass(frozen=True)
class Slot:
    """Where a parameter stands in a row."""

    name: str
    shape: torch.Size
    begin: int
    kernel: bool
    output: bool

    @property
    def end(self) -> int:
        return self.begin + math.prod(self.shape)

    def of(self, rows: Tensor) -> Tensor:
        """The parameter of every run, [runs, *shape], in a buffer of rows."""
        return rows[:, self.begin : self.end].view(-1, *self.shape)


def layout(model: nn.Module) -> list[Slot]:
    """The parameters of one unstacked model. Kernels: the `weight` of linear and convolution layers."""
    owners = (nn.Linear, nn.modules.conv._ConvNd)
    kernels = [f"{name}.weight".lstrip(".") for name, module in model.named_modules() if isinstance(module, owners)]
    slots, begin = [], 0
    for name, parameter in model.named_parameters():
        slots.append(Slot(name, parameter.shape, begin, name in kernels, name == kernels[-1]))
        begin = slots[-1].end
    return slots


@dataclass(frozen=True)
class Size:
    """parameters: of one run; epoch: multiplications of one epoch of it, training and evaluation."""

    parameters: int
    epoch: int


def size(config: Config) -> Size:
    """How large a run is, roughly: every parameter is taken to be used once a sample."""
    data = split(config)
    model = models.build(config.model, data.shape, data.outputs, 0)
    parameters = sum(p.numel() for p in model.parameters())
    return Size(parameters, parameters * (4 * len(data.train) + len(data.val)))


class Stack:
    """Rows of parameters, and what it takes to train and judge them.

    configs: an entry a row, all of one `signature`. `order` tells which of the given runs a row holds.
    """

    def __init__(self, configs: Sequence[Config]) -> None:
        self.order = sorted(range(len(configs)), key=lambda i: _neighbours(configs[i]))
        self.configs = [configs[i] for i in self.order]
        self.device = device(self.configs[0])
        splits = [split(config) for config in self.configs]
        self.models = [
            models.build(c.model, s.shape, s.outputs, derive(c.seed, INITIALISATION))
            for c, s in zip(self.configs, splits, strict=True)
        ]
        self.data = _Data(splits, self.device)
        self.slots = layout(self.models[0])
        width = -(-self.slots[-1].end // PAD) * PAD
        self.weights = torch.zeros(len(self.configs), width)
        for row, model in zip(self.weights, self.models, strict=True):
            flat = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
            row[: len(flat)] = flat
        self.weights = self.weights.to(self.device)
        self.gradients = torch.zeros_like(self.weights)
        self.best = self.weights.clone()  # overwritten at each new best
        self.updater = Updater([c.optimizer for c in self.configs], self.weights, self.gradients)
        self._wire()

    def __len__(self) -> int:
        return len(self.configs)

    def _wire(self) -> None:
        """Make the views and small tensors that follow from which rows there are."""
        self.chain = self._chain(self.weights)
        self.penalties = [
            _Penalty(name, self) for name in regularizers.penalties() if any(c.strengths[name] for c in self.configs)
        ]

    def _chain(self, weights: Tensor) -> Chain:
        views = ({slot.name: slot.of(rows) for slot in self.slots} for rows in (weights, self.gradients))
        return Chain(self.models, [c.seed for c in self.configs], *views)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        index = torch.tensor(rows, dtype=torch.int64, device=self.device)
        self.order, self.configs, self.models = (
            [values[i] for i in rows] for values in (self.order, self.configs, self.models)
        )
        self.weights, self.gradients, self.best = (
            buffer.index_select(0, index) for buffer in (self.weights, self.gradients, self.best)
        )
        self.data.keep(rows)
        self.updater.keep(index, self.weights, self.gradients)
        self._wire()

    def kernels(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.kernel]

    def train_epoch(self, epoch: int) -> None:
        """One pass over the training part, in each run's own order."""
        self.chain.start_epoch(epoch)
        size = self.configs[0].trainer.batch_size
        for x, y, weight in self.data.batches([c.seed for c in self.configs], epoch, size):
            logits = self.chain.forward(x, training=True)
            self.chain.backward(losses.gradient(logits, y, weight))
            for penalty in self.penalties:
                penalty.add_gradient()
            self.updater.step()

    def evaluate(self, part: str, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean data loss and accuracy of every run on a part, in eval mode: [runs] each, float64.

        weights: rows to judge in place of those in training.
        """
        chain = self.chain if weights is None else self._chain(weights)
        loss = torch.zeros(len(self), dtype=torch.float64, device=self.device)
        right = torch.zeros(len(self), dtype=torch.int64, device=self.device)
        n = 0
        for x, y in self.data.pieces(part):
            piece = losses.sums(chain.forward(x), y)
            loss += piece[0]
            right += piece[1]
            n += x.shape[1]
        return loss / n, right.double() / n

    def penalty(self) -> Tensor:
        """The penalty of every run, [runs], float64."""
        total = torch.zeros(len(self), dtype=torch.float64, device=self.device)
        for penalty in self.penalties:
            penalty.add_value(total)
        return total

    def weight_figures(self, rows: Tensor) -> dict[str, Tensor]:
        """Norms and shares of small weights over the kernels, [runs] each, of a buffer of rows."""
        kernels = torch.cat([slot.of(rows).flatten(1) for slot in self.kernels()], 1).double()
        size = kernels.abs()
        return {
            "l1_norm": size.sum(1),
            "l2_norm": size.square().sum(1).sqrt(),
            "zeros": (size == 0).double().mean(1),
            "near_zeros": (size < 1e-3).double().mean(1),
        }

    def gradient_norms(self) -> dict[str, Tensor]:
        """The norm of each kernel's gradient in the last batch, penalty included, [runs] by layer."""
        return {
            slot.name.removesuffix(".weight"): slot.of(self.gradients).flatten(1).norm(dim=1) for slot in self.kernels()
        }

    def state(self, row: int, rows: Tensor) -> dict[str, Tensor]:
        """A run's parameters by name, copied out of a buffer of rows."""
        return {slot.name: slot.of(rows)[row].cpu().clone() for slot in self.slots}


def _neighbours(config: Config) -> Any:
    """Sorts runs so that those with the same optimizer numbers, dropout or penalty stand together."""
    noisy = bool(getattr(config.model, "dropout", 0) or getattr(config.model, "input_dropout", 0))
    return (
        tuple(config.optimizer.model_dump().values()),
        not noisy,
        *(not s for s in config.strengths.values()),
    )


class _Penalty:
    """One regularizer's penalty on the rows that have it."""

    def __init__(self, name: str, stack: Stack) -> None:
        module = load("ablate.regularizers", name)
        self.value, self.closed_form = module.penalty, getattr(module, "gradient", None)
        strengths = [c.strengths[name] for c in stack.configs]
        rows = [i for i, value in enumerate(strengths) if value]
        self.span = slice(rows[0], rows[-1] + 1)
        self.slots, self.weights, self.gradients = (
            stack.kernels(),
            stack.weights[self.span],
            stack.gradients[self.span],
        )
        strength = torch.tensor(strengths[self.span], device=stack.device)
        on_output = torch.tensor([c.regularizer.layers == "all" for c in stack.configs[self.span]], device=stack.device)
        # strength_of: [rows] for every kernel; strength: [rows, parameters], 0 wherever nothing is penalised.
        self.strength_of = {s.name: strength * on_output if s.output else strength for s in self.slots}
        self.strength = torch.zeros_like(self.weights)
        for slot in self.slots:
            self.strength[:, slot.begin : slot.end] = self.strength_of[slot.name].unsqueeze(1)

    def add_gradient(self) -> None:
        if self.closed_form is not None:
            self.gradients.addcmul_(self.closed_form(self.weights), self.strength)
            return
        for slot in self.slots:
            gradient = torch.func.vmap(torch.func.grad(self.value))(slot.of(self.weights))
            share = self.strength_of[slot.name].view(-1, *[1] * len(slot.shape))
            slot.of(self.gradients).add_(torch.where(share > 0, gradient * share, 0))

    def add_value(self, total: Tensor) -> None:
        for slot in self.slots:
            value = torch.func.vmap(self.value)(slot.of(self.weights).double())
            share = self.strength_of[slot.name]
            total[self.span] += torch.where(share > 0, value * share, 0)


class _Data:
    """The parts of a dataset on the device; runs with the same split share its samples.

    A part's samples stand split after split in one tensor, and a run finds its own by an offset.
    """

    def __init__(self, splits: Sequence[Split], device: torch.device) -> None:
        distinct = list({id(s): s for s in splits}.values())
        self.device = device
        self.which = [next(i for i, d in enumerate(distinct) if d is s) for s in splits]
        self.parts: dict[str, Part] = {}
        for name in ("train", "val", "test"):
            parts: list[Part] = [getattr(s, name) for s in distinct]
            x, y = (torch.cat(t) if len(t) > 1 else t[0] for t in ([p.x for p in parts], [p.y for p in parts]))
            self.parts[name] = Part(x.to(device), y.to(device))
        self.sizes = {name: len(getattr(distinct[0], name)) for name in self.parts}

    def keep(self, rows: Sequence[int]) -> None:
        self.which = [self.which[i] for i in rows]

    def batches(self, seeds: Sequence[int], epoch: int, size: int) -> Any:
        """x [runs, batch, *shape], y [runs, batch, 1] and the weight of each sample in the mean, [batch, 1].

        The last batch of an epoch is filled up with samples of weight 0: products of a few rows are rounded
        differently on several threads.
        """
        part, n = self.parts["train"], self.sizes["train"]
        orders = {s: torch.randperm(n, generator=generator(s, ORDER, epoch)) for s in set(seeds)}
        order = torch.stack([orders[s] + w * n for s, w in zip(seeds, self.which, strict=True)]).to(self.device)
        for begin in range(0, n, size):
            index = order[:, begin : begin + size]
            real = index.shape[1]
            weight = torch.full((real, 1), 1 / real, device=self.device)
            if real < size:
                padding = min(size, -(-real // PAD) * PAD) - real
                index = torch.cat([index, index[:, :1].expand(-1, padding)], 1)
                weight = torch.cat([weight, weight.new_zeros(padding, 1)])
            runs, batch = index.shape
            flat = index.reshape(-1)
            x = part.x.index_select(0, flat).view(runs, batch, *part.x.shape[1:])
            yield x, part.y.index_select(0, flat).view(runs, batch, 1), weight

    def pieces(self, name: str) -> Any:
        """The samples of a part in large batches: x [runs or 1, n, *shape], y [runs or 1, n, 1]."""
        part, n = self.parts[name], self.sizes[name]
        shared = len(set(self.which)) == 1
        splits = torch.tensor(self.which[:1] if shared else self.which, device=self.device)
        x, y = part.x.view(-1, n, *part.x.shape[1:]), part.y.view(-1, n, 1)
        for begin in range(0, n, EVALUATION_BATCH):
            piece = slice(begin, begin + EVALUATION_BATCH)
            yield x[:, piece].index_select(0, splits), y[:, piece].index_select(0, splits)
