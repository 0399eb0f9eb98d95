"""A hidden layer whose units are multiplied by noise of one's own."""

from pydantic import Field
from torch import nn

from ablate.options.schema import ModelConfig


class Noise(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x):
        return x


class Config(ModelConfig):
    mixes = frozenset({"noise"})
    noise: float = Field(ge=0)


def build(config, shape, outputs):
    inputs = shape[0] if len(shape) == 1 else shape[0] * shape[1] * shape[2]
    hidden, noise = nn.Linear(inputs, 12), Noise(config.noise)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), noise, nn.Linear(12, outputs))
