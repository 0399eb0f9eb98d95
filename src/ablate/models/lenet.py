"""LeNet-5 (LeCun et al. 1998), modernised: two convolutions with ReLU and max pooling, then dense layers."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ablate.options.schema import ModelConfig, Probability, Width
from ablate.utils.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn


class Config(ModelConfig):
    mixes = frozenset({"dropout"})
    channels: Annotated[list[Width], Field(min_length=1, max_length=2)] = Field(
        description="of the convolutions of 5×5, one or two, each followed by ReLU and max pooling"
    )
    hidden: Annotated[list[Width], Field(min_length=1)] = Field(description="the widths of the dense layers, in units")
    dropout: Probability = Field(
        description="share of units hidden after every dense hidden layer, never on the output; it follows "
        "regularizer.dropout unless it is set; 0: none"
    )


def build(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Logits [batch, outputs] from images [batch, channels, height, width] of at least 4×4 pixels."""
    from torch import nn

    if len(shape) != 3 or min(shape[1:]) < 2 ** len(config.channels):
        raise ConfigError(f"model=lenet: takes images of at least 4×4 pixels, not samples of shape {list(shape)}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    depth, height, width = shape
    for i, channels in enumerate(config.channels, start=1):
        layers[f"conv{i}"] = nn.Conv2d(depth, channels, 5, padding=2)
        layers[f"conv_relu{i}"] = nn.ReLU()
        layers[f"pool{i}"] = nn.MaxPool2d(2)
        depth, height, width = channels, height // 2, width // 2
    layers["flatten"] = nn.Flatten()
    units = depth * height * width
    for i, hidden in enumerate(config.hidden, start=1):
        layers[f"hidden{i}"] = nn.Linear(units, hidden)
        layers[f"relu{i}"] = nn.ReLU()
        layers[f"dropout{i}"] = nn.Dropout(config.dropout)
        units = hidden
    layers["output"] = nn.Linear(units, outputs)
    return nn.Sequential(layers)
