"""A hidden layer with batch normalisation and dropout."""

from torch import nn

from ablate.options.schema import ModelConfig, Probability


class Config(ModelConfig):
    mixes = frozenset({"dropout"})
    dropout: Probability


def build(config, shape, outputs):
    inputs = shape[0] if len(shape) == 1 else shape[0] * shape[1] * shape[2]
    hidden, norm = nn.Linear(inputs, 12), nn.BatchNorm1d(12)
    return nn.Sequential(nn.Flatten(), hidden, norm, nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(12, outputs))
