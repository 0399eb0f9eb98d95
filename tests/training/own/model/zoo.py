"""Modules as users bring them: each does something that a stack could get wrong."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

from ablate.options.schema import ModelConfig


class Base(nn.Module):
    """A hidden layer and an output."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(features, 12), nn.Linear(12, outputs)

    def features(self, x: Tensor) -> Tensor:
        return torch.relu(self.hidden(x.flatten(1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.features(x))


class Rebound(Base):
    """Binds a buffer anew in training, where others write into it."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.register_buffer("mean", torch.zeros(12))

    def forward(self, x: Tensor) -> Tensor:
        h = self.features(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * h.detach().mean(0)
        return self.out(h - self.mean)


class Tied(Base):
    """The same kernel in two layers."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.up = nn.Linear(12, 12)
        self.down = nn.Linear(12, 12)
        self.down.weight = self.up.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.down(torch.tanh(self.up(self.features(x))))))


class WeightNorm(Base):
    """A kernel that is computed from others."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        weight_norm(self.hidden)


class HeadFirst(Base):
    """The output layer is registered before the others."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        hidden = self.hidden
        del self.hidden
        self.hidden = hidden


class Attention(Base):
    """A layer of a Transformer over the rows of an image; its attention drops in its own way."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(8, outputs)
        self.place = nn.Parameter(torch.randn(1, features // 8, 12))
        self.layer = nn.TransformerEncoderLayer(12, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(1).unflatten(1, (-1, 8))
        return self.out(self.layer(self.hidden(rows) + self.place).mean(1))


class BatchNorm(Base):
    """Looks at the whole batch, and keeps statistics."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.norm = nn.BatchNorm1d(12)

    def features(self, x: Tensor) -> Tensor:
        return self.norm(super().features(x))


class GroupNorm(Base):
    """Normalises each sample by itself, after a convolution."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(12 * 8, outputs)
        self.conv, self.norm = nn.Conv1d(8, 12, 3, padding=1), nn.GroupNorm(3, 12)

    def features(self, x: Tensor) -> Tensor:
        return super().features(self.norm(self.conv(x.flatten(1).unflatten(1, (8, -1)))))


class OwnDropout(nn.Dropout):
    """Not plain dropout: it hides the units that are smallest, and draws nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (x > x.mean(1, keepdim=True)) if self.training else x


class Dropping(Base):
    """A subclass of a layer that is known."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.drop = OwnDropout(0.5)

    def features(self, x: Tensor) -> Tensor:
        return self.drop(super().features(x))


class Counting(Base):
    """Keeps a number outside of its buffers: it warms up over its first steps."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.steps = 0

    def features(self, x: Tensor) -> Tensor:
        self.steps += self.training
        return super().features(x) * min(self.steps / 4, 1)


class Recomputed(Base):
    """Computes activations again in the backward pass, to save memory."""

    def features(self, x: Tensor) -> Tensor:
        return checkpoint(super().features, x, use_reentrant=False)


class Reentrant(Base):
    """The same, in the older way."""

    def features(self, x: Tensor) -> Tensor:
        return checkpoint(super().features, x.detach().requires_grad_(), use_reentrant=True)


class Projected(Base):
    """Random features of its own, in no buffer: every run has others."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.directions = torch.randn(features, features) / features**0.5

    def features(self, x: Tensor) -> Tensor:
        return super().features(x.flatten(1) @ self.directions)


class HalfFrozen(Base):
    """Keeps a part with dropout in evaluation, as one does with what is only tuned finely."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.drop = nn.Dropout(0.9)

    def train(self, mode: bool = True) -> HalfFrozen:
        super().train(mode)
        self.drop.eval()
        return self

    def features(self, x: Tensor) -> Tensor:
        return self.drop(super().features(x))


class Skipping(Base):
    """Skips a part, with its dropout, at random."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.more, self.drop = nn.Linear(12, 12), nn.Dropout(0.5)

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h + self.drop(self.more(h)) if not self.training or torch.rand(()) < 0.5 else h


KINDS = {
    "plain": Base, "rebound": Rebound, "tied": Tied, "weight_norm": WeightNorm, "head_first": HeadFirst,
    "attention": Attention, "batch_norm": BatchNorm, "group_norm": GroupNorm, "own_dropout": Dropping,
    "counting": Counting, "recomputed": Recomputed, "reentrant": Reentrant, "projected": Projected,
    "half_frozen": HalfFrozen, "skipping": Skipping,
}  # fmt: skip


class Config(ModelConfig):
    kind: Literal[tuple(KINDS)] = Field(description="which")  # type: ignore[valid-type]


def build(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    features = 1
    for size in shape:
        features *= size
    return KINDS[config.kind](features, outputs)
