"""The regularizers of a stack at their places in a training step, each on the rows of the runs that have it.

A regularizer acts with its strengths as a vector over a span of rows; rows within it that don't have it stay as they
are, to the last bit. What is called when stands in `Stack.step`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ablate import regularizers
from ablate.config.schema import Config
from ablate.regularizers import Regularizer
from ablate.training.numerics import threads
from ablate.training.parameters import Parameters, Slot
from ablate.utils.seeds import REGULARIZER, Draws, derive


class Hooks:
    """What acts on a stack. configs: an entry a row; parameters, gradients: its rows, which the hooks change."""

    def __init__(
        self, configs: Sequence[Config], slots: Sequence[Slot], parameters: Parameters, gradients: Tensor
    ) -> None:
        each = [config.strengths for config in configs]
        strengths = {name: [of_run[name] for of_run in each] for name in regularizers.acting()}
        self.acting = [
            Acting(regularizers.get(name), of_runs, configs, slots, parameters.weights, gradients)
            for name, of_runs in strengths.items()
            if any(of_runs)
        ]
        self.on_inputs = [a for a in self.acting if a.is_a.inputs]
        self.on_targets = [a for a in self.acting if a.is_a.targets]
        self.on_outputs = [a for a in self.acting if a.is_a.outputs]
        self.penalties = [a for a in self.acting if a.is_a.penalty]
        self.on_gradients = [a for a in self.acting if a.is_a.gradients]
        self.ascending = [a for a in self.acting if a.is_a.ascent]
        # In the order of the places, whatever the regularizers' names.
        self.on_weights = [a.decay for a in self.acting if a.is_a.decay]
        self.on_weights += [a.proximal for a in self.acting if a.is_a.proximal]
        self.on_weights += [a.project for a in self.acting if a.is_a.project]
        self.averaging = [a for a in self.acting if a.is_a.average]
        self.softens = bool(self.on_inputs or self.on_targets)

    def start_epoch(self, epoch: int) -> None:
        for acting in (*self.on_inputs, *self.on_gradients):
            acting.start_epoch(epoch)

    def inputs(self, x: Tensor, y: Tensor, real: int) -> tuple[Tensor, Tensor]:
        """A batch; y: probabilities. real: how many of its samples are no filling."""
        for acting in self.on_inputs:
            x, y = acting.inputs(x, y, real)
        return x, y

    def targets(self, y: Tensor) -> Tensor:
        for acting in self.on_targets:
            y = acting.targets(y)
        return y

    def outputs(self, logits: Tensor, d: Tensor, weight: Tensor) -> None:
        """Add to d, the loss's gradient on logits; weight: of each sample in the mean."""
        for acting in self.on_outputs:
            acting.outputs(logits, d, weight)

    def penalty_gradients(self) -> None:
        for acting in self.penalties:
            acting.add_gradient()

    @contextmanager
    def ascent(self) -> Iterator[None]:
        """Move the weights uphill, for gradients to be taken there, and put them back after."""
        kept = [(acting.weights, acting.weights.clone()) for acting in self.ascending]
        for acting in self.ascending:
            acting.ascend()
        try:
            yield
        finally:
            for weights, before in reversed(kept):
                weights.copy_(before)

    def gradients(self) -> None:
        for acting in self.on_gradients:
            acting.change_gradients()

    def weights(self) -> None:
        for change in self.on_weights:
            change()

    def average(self, memories: dict[str, Tensor], step: int) -> None:
        """Renew the averages of the weights after a step: [runs, parameters] by regularizer."""
        for acting in self.averaging:
            acting.average(memories[acting.is_a.name], step)

    def averaged(self, memories: dict[str, Tensor], weights: Tensor) -> Tensor:
        """The weights to judge and keep: a run's average where it has one (a config allows no second), else its own."""
        weights = weights.clone()
        for acting in self.averaging:
            own = weights[acting.span]
            own.copy_(acting.renewed(memories[acting.is_a.name][acting.span], own))
        return weights


class Acting:
    """One regularizer on the rows that have it: `span`, with few others among them.

    Functions that may sum over many numbers are called with one thread: such a sum is rounded by how it was cut.
    """

    def __init__(
        self,
        is_a: Regularizer,
        strengths: Sequence[float],
        configs: Sequence[Config],
        slots: Sequence[Slot],
        weights: Tensor,
        gradients: Tensor,
    ) -> None:
        """strengths, configs: an entry a row; weights, gradients: all rows, [runs, parameters]."""
        self.is_a = is_a
        rows = [i for i, value in enumerate(strengths) if value]
        self.span = slice(rows[0], rows[-1] + 1)  # stack.py sorts runs so that this holds few others
        self.seeds = [config.seed for config in configs[self.span]]
        self.weights, self.gradients = weights[self.span], gradients[self.span]
        self.strength = torch.tensor(strengths[self.span], device=weights.device)
        self.has = self.strength != 0
        self.end = slots[-1].end  # from here on, a row is filling
        self.slots = [slot for slot in slots if slot.kernel]
        if is_a.on_kernels:
            self._lay_out(configs[self.span])

    def _lay_out(self, configs: Sequence[Config]) -> None:
        """strength_of: [rows] for every kernel; amount: [rows, parameters], the strength; stepwise: learning rate ×
        strength, for what acts after the step; 0 wherever nothing is regularized."""
        device = self.weights.device
        on_output = torch.tensor([c.regularizer.layers == "all" for c in configs], device=device)
        self.strength_of = {s.name: self.strength * on_output if s.output else self.strength for s in self.slots}
        self.amount = torch.zeros_like(self.weights)
        for slot in self.slots:
            self.amount[:, slot.begin : slot.end] = self.strength_of[slot.name].unsqueeze(1)
        if self.is_a.decay or self.is_a.proximal:
            rate = torch.tensor([c.optimizer.lr for c in configs], device=device)
            self.stepwise = self.amount * rate.unsqueeze(1)

    def start_epoch(self, epoch: int) -> None:
        name = zlib.crc32(self.is_a.name.encode())
        device = self.weights.device
        seeds = (derive(seed, REGULARIZER, epoch, name) for seed in self.seeds)
        self.random = Draws([torch.Generator(device).manual_seed(seed) for seed in seeds], device)

    def _beside(self, tensor: Tensor, which: Tensor) -> Tensor:
        """[rows] shaped so that it multiplies a tensor of rows."""
        return which.view(-1, *[1] * (tensor.ndim - 1))

    def renewed(self, new: Tensor, old: Tensor) -> Tensor:
        """`new` in the rows that have the regularizer, `old` in others."""
        return torch.where(self._beside(old, self.has), new, old)

    @threads(1)
    def inputs(self, x: Tensor, y: Tensor, real: int) -> tuple[Tensor, Tensor]:
        assert self.is_a.inputs is not None
        x, y = x.clone(), y.clone()
        own_x, own_y = x[self.span, :real], y[self.span, :, :real]
        new_x, new_y = self.is_a.inputs(own_x, own_y, self._beside(own_x, self.strength), self.random)
        x[self.span, :real], y[self.span, :, :real] = self.renewed(new_x, own_x), self.renewed(new_y, own_y)
        return x, y

    @threads(1)
    def targets(self, y: Tensor) -> Tensor:
        assert self.is_a.targets is not None
        y = y.clone()
        own = y[self.span]
        y[self.span] = self.renewed(self.is_a.targets(own, self._beside(own, self.strength)), own)
        return y

    @threads(1)
    def outputs(self, logits: Tensor, d: Tensor, weight: Tensor) -> None:
        assert self.is_a.outputs is not None
        own = d[self.span]
        more = self.is_a.outputs(logits[self.span], self._beside(own, self.strength)) * weight
        own.copy_(self.renewed(own + more, own))

    def add_gradient(self) -> None:
        assert self.is_a.penalty is not None
        if self.is_a.proximal is not None:
            return
        if self.is_a.gradient is not None:
            self.gradients.addcmul_(self.is_a.gradient(self.weights), self.amount)
        else:
            self._differentiate()

    @threads(1)
    def _differentiate(self) -> None:
        """Ask autograd for the penalty's gradient, and add it."""
        assert self.is_a.penalty is not None
        for slot in self.slots:
            # Not torch.func.grad: its first use imports torch's compiler, which takes seconds.
            kernels = slot.of(self.weights).detach().requires_grad_()
            with torch.enable_grad():
                together = torch.stack([self.is_a.penalty(kernel) for kernel in kernels]).sum()
            (gradient,) = torch.autograd.grad(together, kernels)
            share = self._beside(gradient, self.strength_of[slot.name])
            slot.of(self.gradients).add_(torch.where(share != 0, gradient * share, 0))

    @threads(1)
    def ascend(self) -> None:
        assert self.is_a.ascent is not None
        moved = self.is_a.ascent(self.weights, self.gradients, self.strength.unsqueeze(1))
        self._write(self.weights, moved)

    @threads(1)
    def change_gradients(self) -> None:
        assert self.is_a.gradients is not None
        given = (self.gradients, self.weights, self.strength.unsqueeze(1), self.random)
        self._write(self.gradients, self.is_a.gradients(*given))

    def _write(self, rows: Tensor, new: Tensor) -> None:
        """The filling of a row stays 0."""
        kept = self.renewed(new, rows)
        rows[:, : self.end] = kept[:, : self.end]

    def decay(self) -> None:
        assert self.is_a.decay is not None
        self._after_step(self.is_a.decay(self.weights, self.stepwise))

    def proximal(self) -> None:
        assert self.is_a.proximal is not None
        self._after_step(self.is_a.proximal(self.weights, self.stepwise))

    def _after_step(self, new: Tensor) -> None:
        self.weights.copy_(torch.where(self.stepwise != 0, new, self.weights))

    @threads(1)
    def project(self) -> None:
        assert self.is_a.project is not None
        for slot in self.slots:
            kernels, strength = slot.of(self.weights), self.strength_of[slot.name]
            # One by one: vmap would make other products of a product, which are rounded by how many runs there are.
            for kernel, own in zip(kernels, strength, strict=True):
                if own != 0:
                    kernel.copy_(self.is_a.project(kernel, own))

    @threads(1)
    def average(self, memory: Tensor, step: int) -> None:
        assert self.is_a.average is not None
        own = memory[self.span]
        own.copy_(self.renewed(self.is_a.average(self.weights, own, self.strength.unsqueeze(1), step), own))

    def add_value(self, total: Tensor, weights: Tensor) -> None:
        """Add the penalties of these rows of all runs to total, [runs], float64."""
        assert self.is_a.penalty is not None
        for slot in self.slots:
            value = torch.func.vmap(self.is_a.penalty)(slot.of(weights[self.span]).double())
            share = self.strength_of[slot.name]
            total[self.span] += torch.where(share != 0, value * share, 0)
