"""What the models of a stack hold, side by side: a row a run.

A row holds all trained parameters of a run, padded to a multiple of 64 numbers: the fused optimizers round their last
few elements by another code path than the others, and padding keeps every real parameter out of it.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablate.training.kernels import kernels

PAD = 64  # floats in a row come in multiples of this: four vectors of the widest processors


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


def layout(model: nn.Module, of_output: Container[str] = ()) -> list[Slot]:
    """The trained parameters of one unstacked model. of_output: the kernels of its output layer, by name."""
    known, slots, begin = kernels(model), [], 0
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            slots.append(Slot(name, parameter.shape, begin, name in known, name in of_output))
            begin = slots[-1].end
    return slots


@dataclass
class Parameters:
    """What a model holds, a row a run.

    weights: [runs, parameters, padded]; buffers: by name [runs, *shape], with parameters that are not trained.
    """

    weights: Tensor
    buffers: dict[str, Tensor]

    @classmethod
    def of(cls, models: Sequence[nn.Module], slots: Sequence[Slot]) -> Parameters:
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

    def to(self, device: torch.device) -> Parameters:
        return Parameters(self.weights.to(device), {name: buffer.to(device) for name, buffer in self.buffers.items()})

    def pick(self, index: Tensor) -> Parameters:
        buffers = {name: buffer.index_select(0, index) for name, buffer in self.buffers.items()}
        return Parameters(self.weights.index_select(0, index), buffers)

    def put(self, index: Tensor, other: Parameters) -> None:
        """Take these rows over from `other`."""
        self.weights[index] = other.weights[index]
        for name, buffer in self.buffers.items():
            buffer[index] = other.buffers[name][index]
