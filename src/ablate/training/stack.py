"""A stack: runs trained together, their parameters side by side in one buffer.

A row of the buffer holds all parameters of a run, padded to a multiple of 64 numbers: the fused optimizers
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
from ablate.arithmetic import threads
from ablate.config import Config
from ablate.discovery import load
from ablate.layers import Chain
from ablate.mapping import Mapped, executor
from ablate.optimizers import Updater
from ablate.seeds import INITIALISATION, ORDER, derive, generator
from ablate.splits import Part, Split, split

PAD = 64  # floats in a row come in multiples of this: four vectors of the widest processors
BATCH_PAD = 16  # and samples in a batch
EVALUATION_BATCH = 128
WIDE = 8_000_000  # parameters × batch size from which a second thread pays; small products are slower on two


def signature(config: Config) -> str:
    """What runs must have in common to share a stack."""
    model = config.model.model_dump(exclude=set(config.model.mixes))
    dataset = config.dataset.model_dump(exclude={"split_seed"})
    return repr((dataset, model, config.optimizer.name, config.trainer.batch_size, config.device))


def device(config: Config) -> torch.device:
    """The device that `device` names; auto takes a GPU where there is one."""
    if config.device != "auto":
        return torch.device(config.device)
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


@dataclass(frozen=True)
class Slot:
    """Where a parameter of a model stands in a row."""

    name: str
    shape: torch.Size
    begin: int
    kernel: bool = False
    output: bool = False  # the kernel of the output layer

    @property
    def end(self) -> int:
        return self.begin + math.prod(self.shape)

    def of(self, rows: Tensor) -> Tensor:
        """This parameter of every run, [runs, *shape], in rows of parameters."""
        return rows[:, self.begin : self.end].view(-1, *self.shape)


def layout(model: nn.Module) -> list[Slot]:
    """The trained parameters of one unstacked model.

    Kernels are the `weight` of linear and convolution layers; the last of them is the output layer's.
    """
    owners = (nn.Linear, nn.modules.conv._ConvNd)
    kernels = [f"{name}.weight".lstrip(".") for name, module in model.named_modules() if isinstance(module, owners)]
    slots, begin = [], 0
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            slots.append(Slot(name, parameter.shape, begin, name in kernels, kernels[-1:] == [name]))
            begin = slots[-1].end
    return slots


@dataclass
class Rows:
    """What a model holds, a row a run.

    weights: [runs, parameters, padded]; buffers: by name [runs, *shape], with parameters that are not trained.
    """

    weights: Tensor
    buffers: dict[str, Tensor]

    @classmethod
    def of(cls, models: Sequence[nn.Module], slots: Sequence[Slot]) -> Rows:
        weights = torch.zeros(len(models), -(-slots[-1].end // PAD) * PAD)
        each = [dict(model.named_parameters()) | dict(model.named_buffers()) for model in models]
        trained = {slot.name: slot.of(weights) for slot in slots}
        for name, view in trained.items():
            view.copy_(torch.stack([tensors[name].detach() for tensors in each]))
        others = [name for name in each[0] if name not in trained]
        return cls(weights, {name: torch.stack([tensors[name].detach() for tensors in each]) for name in others})

    def views(self, slots: Sequence[Slot]) -> dict[str, Tensor]:
        """[runs, *shape] by name."""
        return {slot.name: slot.of(self.weights) for slot in slots} | self.buffers

    def to(self, device: torch.device) -> Rows:
        return Rows(self.weights.to(device), {name: buffer.to(device) for name, buffer in self.buffers.items()})

    def pick(self, index: Tensor) -> Rows:
        buffers = {name: buffer.index_select(0, index) for name, buffer in self.buffers.items()}
        return Rows(self.weights.index_select(0, index), buffers)

    def put(self, index: Tensor, other: Rows) -> None:
        """Take these rows over from `other`."""
        self.weights[index] = other.weights[index]
        for name, buffer in self.buffers.items():
            buffer[index] = other.buffers[name][index]


@dataclass(frozen=True)
class Size:
    """parameters: of one run; epoch: multiplications of one epoch of it, training and evaluation.

    data: bytes of its samples.

    alone: why such runs are trained one after the other, or None.
    """

    parameters: int
    epoch: int
    data: int
    alone: str | None


def size(config: Config) -> Size:
    """How large a run is, roughly: every parameter is taken to be used once a sample."""
    data = split(config)
    model = models.build(config.model, data.shape, data.outputs, 0)
    parameters = sum(p.numel() for p in model.parameters())
    _, alone = executor(model, data.shape, _batches(config, data))
    samples = sum(part.x.nbytes for part in (data.train, data.val, data.test))
    return Size(parameters, parameters * (4 * len(data.train) + len(data.val)), samples, alone)


def _batches(config: Config, data: Split) -> list[int]:
    """The batch sizes that a run meets: whole and last ones, in training and in evaluation."""
    sizes = [(config.trainer.batch_size, data.train)]
    sizes += [(EVALUATION_BATCH, part) for part in (data.train, data.val, data.test)]
    return [size for most, part in sizes for size in (min(most, len(part)), len(part) % most) if size]


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
        self.executor, _ = executor(self.models[0], splits[0].shape, _batches(self.configs[0], splits[0]))
        self.slots = layout(self.models[0])
        self.rows = Rows.of(self.models, self.slots).to(self.device)
        self.best = Rows.of(self.models, self.slots).to(self.device)  # overwritten at each new best
        self.gradients = torch.zeros_like(self.rows.weights)
        self.updater = Updater([c.optimizer for c in self.configs], self.rows.weights, self.gradients)
        self._wire()

    def __len__(self) -> int:
        return len(self.configs)

    @property
    def parallelism(self) -> int:
        """How many threads pay inside an operation. Not a matter of how many runs there are.

        Sums over more than 1,024 samples would be cut among the threads, and rounded accordingly; and so
        would who knows what in modules that are not hand-batched.
        """
        batch = self.configs[0].trainer.batch_size
        pays = self.executor is Chain and self.rows.weights.shape[1] * batch >= WIDE and batch <= 1024
        return torch.get_num_threads() if pays else 1

    def _wire(self) -> None:
        """Make the views and small tensors that follow from which rows there are."""
        self.model = self._bind(self.rows)
        self.penalties = [
            _Penalty(name, self) for name in regularizers.penalties() if any(c.strengths[name] for c in self.configs)
        ]

    def _bind(self, rows: Rows) -> Chain | Mapped:
        gradients = {slot.name: slot.of(self.gradients) for slot in self.slots}
        return self.executor(self.models, [c.seed for c in self.configs], rows.views(self.slots), gradients)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        index = torch.tensor(rows, dtype=torch.int64, device=self.device)
        self.order = [self.order[i] for i in rows]
        self.configs = [self.configs[i] for i in rows]
        self.models = [self.models[i] for i in rows]
        self.rows, self.best = self.rows.pick(index), self.best.pick(index)
        self.gradients = self.gradients.index_select(0, index)
        self.data.keep(rows)
        self.updater.keep(index, self.rows.weights, self.gradients)
        self._wire()

    def mutable(self, row: int) -> dict[str, Tensor]:
        """Views of all that training changes of a run, by name."""
        views = {f"moments/{i}": moment[row] for i, moment in enumerate(self.updater.moments)}
        for kind, rows in (("now", self.rows), ("best", self.best)):
            views[f"{kind}/weights"] = rows.weights[row]
            views |= {f"{kind}/buffers/{name}": buffer[row] for name, buffer in rows.buffers.items()}
        return views

    def resume(self, row: int, tensors: dict[str, Tensor], steps: int) -> None:
        """Go on with what `mutable` was for a run after so many steps."""
        for name, view in self.mutable(row).items():
            view.copy_(tensors[name])
        self.updater.resume(steps, self.rows.weights, self.gradients)

    def kernels(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.kernel]

    def train_epoch(self, epoch: int) -> None:
        """One pass over the training part, in each run's own order."""
        self.model.start_epoch(epoch)
        size, seeds = self.configs[0].trainer.batch_size, [c.seed for c in self.configs]
        for x, y, weight in self.data.batches(seeds, epoch, size, self.model.pads):
            logits = self.model.forward(x, training=True)
            self.model.backward(losses.gradient(logits, y, weight))
            for penalty in self.penalties:
                penalty.add_gradient()
            self.updater.step()
            for penalty in self.penalties:
                penalty.apply_proximal()

    def evaluate(
        self, part: str, rows: Rows | None = None, active: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean data loss and accuracy of every run on a part, in eval mode: [runs] each, float64.

        rows: what to judge in place of what is in training; active: is given, by layer, which units of the ReLUs
        were above 0 for some sample: [runs, units], bool.
        """
        model = self.model if rows is None else self._bind(rows)
        loss = torch.zeros(len(self), dtype=torch.float64, device=self.device)
        right = torch.zeros(len(self), dtype=torch.int64, device=self.device)
        n = 0
        for x, y in self.data.pieces(part):
            piece = losses.sums(model.forward(x), y)
            loss += piece[0]
            right += piece[1]
            n += x.shape[1]
            if active is not None:
                for name, units in model.active().items():
                    known = active.get(name, units)
                    active[name] = known | units if known.shape == units.shape else known
        return loss / n, right.double() / n

    def logits(self, part: str, rows: Rows) -> Tensor:
        """What every run says of a part's samples, in eval mode: [runs, outputs, n]. rows: what to judge."""
        model = self._bind(rows)
        return torch.cat([model.forward(x) for x, _ in self.data.pieces(part)], 2)

    @threads(1)  # long sums are rounded by how they were cut for the threads
    def penalty(self) -> Tensor:
        """The penalty of every run, [runs], float64."""
        total = torch.zeros(len(self), dtype=torch.float64, device=self.device)
        for penalty in self.penalties:
            penalty.add_value(total)
        return total

    @threads(1)
    def weight_figures(self, rows: Rows) -> dict[str, Tensor]:
        """Norms and shares of small weights over the kernels, [runs] each."""
        kernels = [slot.of(rows.weights).flatten(1) for slot in self.kernels()]
        size = torch.cat(kernels or [rows.weights[:, :0]], 1).double().abs()
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
        both = {"weights": self.rows.weights, "gradients": self.gradients}
        return {f"{kind}/{s.name}": s.of(rows)[row].cpu() for kind, rows in both.items() for s in self.kernels()}

    def state(self, row: int, rows: Rows) -> dict[str, Tensor]:
        """A run's state dict, copied out of rows; a tensor with several names stands under each."""
        model, views = self.models[row], rows.views(self.slots)
        tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
        first = {id(tensor): name for name, tensor in reversed(tensors)}
        names = {name: first[id(tensor)] for name, tensor in tensors}
        return {name: views[names[name]][row].cpu().clone() for name in model.state_dict()}


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
        self.proximal = getattr(module, "proximal", None)
        strengths = [c.strengths[name] for c in stack.configs]
        rows = [i for i, value in enumerate(strengths) if value]
        self.span = slice(rows[0], rows[-1] + 1)
        self.slots, self.weights, self.gradients = (
            stack.kernels(),
            stack.rows.weights[self.span],
            stack.gradients[self.span],
        )
        strength = torch.tensor(strengths[self.span], device=stack.device)
        on_output = torch.tensor([c.regularizer.layers == "all" for c in stack.configs[self.span]], device=stack.device)
        # strength_of: [rows] for every kernel; amount: [rows, parameters], the strength, or learning rate × strength
        # for a proximal operator; 0 wherever nothing is penalised.
        self.strength_of = {s.name: strength * on_output if s.output else strength for s in self.slots}
        self.amount = torch.zeros_like(self.weights)
        for slot in self.slots:
            self.amount[:, slot.begin : slot.end] = self.strength_of[slot.name].unsqueeze(1)
        if self.proximal is not None:
            rate = torch.tensor([c.optimizer.lr for c in stack.configs[self.span]], device=stack.device)
            self.amount *= rate.unsqueeze(1)

    def add_gradient(self) -> None:
        if self.proximal is not None:
            return
        if self.closed_form is not None:
            self.gradients.addcmul_(self.closed_form(self.weights), self.amount)
            return
        for slot in self.slots:
            # Not torch.func.grad: its first use imports torch's compiler, which takes seconds.
            kernels = slot.of(self.weights).detach().requires_grad_()
            with torch.enable_grad():
                together = torch.stack([self.value(kernel) for kernel in kernels]).sum()
            (gradient,) = torch.autograd.grad(together, kernels)
            share = self.strength_of[slot.name].view(-1, *[1] * len(slot.shape))
            slot.of(self.gradients).add_(torch.where(share > 0, gradient * share, 0))

    def apply_proximal(self) -> None:
        if self.proximal is not None:
            nearer = self.proximal(self.weights, self.amount)
            self.weights.copy_(torch.where(self.amount > 0, nearer, self.weights))

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

    def batches(self, seeds: Sequence[int], epoch: int, size: int, pads: bool) -> Any:
        """x [runs, batch, *shape], y [runs, 1, batch] and the weight of each sample in the mean, [batch].

        pads: fill batches up to a multiple of 16 with samples of weight 0, as products of odd sizes are
        rounded differently on several threads.
        """
        part, n = self.parts["train"], self.sizes["train"]
        orders = {s: torch.randperm(n, generator=generator(s, ORDER, epoch)) for s in set(seeds)}
        order = torch.stack([orders[s] + w * n for s, w in zip(seeds, self.which, strict=True)]).to(self.device)
        for begin in range(0, n, size):
            index = order[:, begin : begin + size]
            real = index.shape[1]
            weight = torch.full((real,), 1 / real, device=self.device)
            if pads and (padding := -real % BATCH_PAD):
                index = torch.cat([index, index[:, :1].expand(-1, padding)], 1)
                weight = torch.cat([weight, weight.new_zeros(padding)])
            runs, batch = index.shape
            flat = index.reshape(-1)
            x = part.x.index_select(0, flat).view(runs, batch, *part.x.shape[1:])
            yield x, part.y.index_select(0, flat).view(runs, 1, batch), weight

    def pieces(self, name: str) -> Any:
        """The samples of a part in large batches: x [runs or 1, n, *shape], y [runs or 1, 1, n]."""
        part, n = self.parts[name], self.sizes[name]
        shared = len(set(self.which)) == 1
        splits = torch.tensor(self.which[:1] if shared else self.which, device=self.device)
        x, y = part.x.view(-1, n, *part.x.shape[1:]), part.y.view(-1, 1, n)
        for begin in range(0, n, EVALUATION_BATCH):
            piece = slice(begin, begin + EVALUATION_BATCH)
            yield x[:, piece].index_select(0, splits), y[:, :, piece].index_select(0, splits)
