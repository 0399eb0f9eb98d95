"""A hidden layer whose units are multiplied by noise of one's own."""

from ablate.models.coin import Coin, hidden_before
from pydantic import Field

from ablate.options.schema import ModelConfig


class Noise(Coin):
    """The layer by whose name its masks are found."""


class Config(ModelConfig):
    mixes = frozenset({"noise"})
    noise: float = Field(ge=0)


def build(config, shape, outputs):
    return hidden_before(Noise(config.noise), shape, outputs)
