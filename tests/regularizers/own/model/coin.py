"""A hidden layer whose units are hidden or doubled, where it is told to."""

import math

from pydantic import Field
from torch import nn

from ablate.options.schema import ModelConfig


class Coin(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x):
        return x


class Config(ModelConfig):
    mixes = frozenset({"toss"})
    toss: float = Field(ge=0)


def build(config, shape, outputs):
    return hidden_before(Coin(config.toss), shape, outputs)


def hidden_before(layer, shape, outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 12), nn.ReLU(), layer, nn.Linear(12, outputs))
