"""A hidden layer whose units are hidden or doubled, where it is told to."""

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
    inputs = shape[0] if len(shape) == 1 else shape[0] * shape[1] * shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 12), nn.ReLU(), Coin(config.toss), nn.Linear(12, outputs))
