"""A multilayer perceptron: hidden layers with activation and dropout, then the output layer."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ablate.options.schema import ModelConfig, Probability, Width

if TYPE_CHECKING:
    from torch import nn


class Config(ModelConfig):
    mixes = frozenset({"dropout", "input_dropout", "init"})
    hidden: Annotated[list[Width], Field(min_length=1)] = Field(description="the widths of the hidden layers, in units")
    activation: Literal["relu", "tanh", "sigmoid", "gelu"] = Field(description="after every hidden layer")
    dropout: Probability = Field(
        description="share of units hidden after every hidden layer, never on the output; it follows "
        "regularizer.dropout unless it is set; 0: none"
    )
    input_dropout: Probability = Field(description="share of the inputs that is hidden; 0: none")
    init: Literal["torch", "keras"] = Field(description="torch: PyTorch's own; keras: Glorot uniform, zero biases")


def build(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Logits [batch, outputs] from samples [batch, *shape]."""
    from torch import nn

    activations = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}
    # Every dropout layer is there at p = 0 too, so that arms differ in numbers and not in their layers.
    model = nn.Sequential(OrderedDict(flatten=nn.Flatten(), input_dropout=nn.Dropout(config.input_dropout)))
    width = math.prod(shape)
    for i, units in enumerate(config.hidden, start=1):
        model.add_module(f"hidden{i}", nn.Linear(width, units))
        model.add_module(f"activation{i}", activations[config.activation]())
        model.add_module(f"dropout{i}", nn.Dropout(config.dropout))
        width = units
    model.add_module("output", nn.Linear(width, outputs))
    if config.init == "keras":
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
    return model
