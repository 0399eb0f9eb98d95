"""A strength that reaches nothing, and a module that would not be trained as it is, are refused before training."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from ablate.training.reach import fits
from ablate.utils.errors import ConfigError
from helpers import parts


class Net(nn.Module):
    """64 → 8 → 10, and whatever a test does to it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(64, 8), nn.Linear(8, 10)

    def hidden(self, x: Tensor) -> Tensor:
        return torch.relu(self.a(x.flatten(1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.hidden(x))


def weight_normed() -> nn.Module:
    net = Net()
    weight_norm(net.a)
    return net


def spectral_normed() -> nn.Module:
    net = Net()
    spectral_norm(net.a)
    return net


def pruned() -> nn.Module:
    net = Net()
    prune.random_unstructured(net.a, "weight", 0.5)
    return net


def older_norm() -> nn.Module:
    net = Net()
    nn.utils.spectral_norm(net.a)
    return net


def frozen() -> nn.Module:
    net = Net()
    for layer in (net.a, net.b):
        layer.weight.requires_grad_(False)
    return net


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


class Functional(Net):
    """Drops in its own way, by the number that follows the regularizer."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.p = dropout

    def hidden(self, x: Tensor) -> Tensor:
        return F.dropout(super().hidden(x), self.p, self.training)


class Layered(Net):
    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)

    def hidden(self, x: Tensor) -> Tensor:
        return self.drop(super().hidden(x))


class Fixed(Layered):
    """Drops by a number of its own."""

    def __init__(self) -> None:
        super().__init__(0.5)


class Unused(Layered):
    """Takes the number, and its forward pass doesn't use the layer; it changes from pass to pass all the same."""

    def __init__(self, dropout: float) -> None:
        super().__init__(dropout)
        self.register_buffer("passes", torch.zeros(()))

    def hidden(self, x: Tensor) -> Tensor:
        self.passes = self.passes + self.training
        return Net.hidden(self, x) + self.passes


class Hooked(Net):
    """What its dropout layer does is more than dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.drop.register_forward_hook(lambda layer, given, y: y * 3)

    def hidden(self, x: Tensor) -> Tensor:
        return self.drop(super().hidden(x))


class Moved(Net):
    """Changes a parameter by itself."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.b.bias = nn.Parameter(self.b.bias.detach() + 1)
        return super().forward(x)


class Breaks(Net):
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise ValueError("not in training")
        return super().forward(x)


@pytest.fixture
def tried(configured, monkeypatch) -> Callable[..., None]:
    """tried(make, *words): a config with this model, and whether it fits."""

    def run(make: Callable[..., nn.Module], *words: str) -> None:
        monkeypatch.setattr("reach_made.make", make, raising=False)
        config = configured("~model", "+model._target_=reach_made.make", *words)
        fits(config, parts(config).facts)

    return run


@pytest.fixture(autouse=True)
def _module(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "reach_made", ModuleType("reach_made"))


REACH = "would reach nothing: model=reach_made.make"
IN_FORCE = "regularizer.dropout=0.2: has no say where model.dropout={} is in force; set one of the two"
FOLLOWED = "would reach nothing: no key of model=reach_made.make follows it, such as dropout: ${regularizer.dropout}"
FOLLOWS = "+model.dropout=${regularizer.dropout}"
COMPUTED = "wouldn't reach the kernel of a in model=reach_made.make, which {} computes from other parameters"


@pytest.mark.parametrize(
    ("make", "words", "said"),
    [
        (Net, ["regularizer=dropout"], f"regularizer.dropout=0.2: {FOLLOWED}"),
        (Layered, ["regularizer=dropout"], f"regularizer.dropout=0.2: {FOLLOWED}"),
        (Layered, ["regularizer=dropout", "+model.dropout=0.0"], IN_FORCE.format("0")),
        (Fixed, ["regularizer=dropout"], f"regularizer.dropout=0.2: {FOLLOWED}"),
        (Unused, ["regularizer=dropout", FOLLOWS], f"regularizer.dropout=0.2: {REACH} draws no masks in training"),
        (Layered, ["regularizer=dropout", "+model.dropout=0.5"], IN_FORCE.format("0.5")),
        (weight_normed, ["regularizer=l1"], f"regularizer.l1=0.0003: {COMPUTED.format('_WeightNorm')}"),
        (spectral_normed, ["regularizer=l2"], f"regularizer.l2=0.001: {COMPUTED.format('_SpectralNorm')}"),
        (pruned, [], "model=reach_made.make: Net: can't be trained: it can't be copied: .*"),
        (older_norm, ["regularizer=l1"], f"regularizer.l1=0.0003: {COMPUTED.format('SpectralNorm')}"),
        (frozen, ["regularizer=l1"], f"regularizer.l1=0.0003: {REACH} has no kernels that are trained"),
        (linear, ["regularizer=l1", "regularizer.layers=hidden"],
         f"regularizer.l1=0.0003: {REACH} has no hidden layers, and regularizer.layers=hidden"),
        (Hooked, [], "model=reach_made.make: Hooked in a stack is not what it is by itself: "
                     "what it gives in training differs; such a module can't be trained here"),
        (Moved, [], "model=reach_made.make: Moved .*; such a module can't be trained here"),
        (Breaks, [], "model=reach_made.make: Breaks: can't be trained: ValueError: not in training"),
    ],
)  # fmt: skip
def test_what_would_be_without_effect_is_refused(tried, make, words, said):
    with pytest.raises(ConfigError) as refused:
        tried(make, *words)
    assert str(refused.value) == said or re.fullmatch(said, str(refused.value))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Net, ["regularizer=l1", "regularizer.layers=hidden"]),
        (Layered, ["regularizer=dropout", FOLLOWS]),
        (Functional, ["regularizer=dropout", FOLLOWS]),
        (weight_normed, []),
        (linear, ["regularizer=l2"]),
    ],
)
def test_what_has_an_effect_is_not(tried, make, words):
    tried(make, *words)
