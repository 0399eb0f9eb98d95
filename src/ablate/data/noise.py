"""The notes' data for early stopping: uniform random features, random 0/1 labels. Nothing can be learnt."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.schema import DatasetConfig


class Config(DatasetConfig):
    samples: int = Field(ge=10, description="for training and validation; as many again for the test")
    features: int = Field(ge=1)


def load(config: Config) -> Source:
    random = np.random.default_rng(config.split_seed)
    x = random.random((2 * config.samples, config.features), dtype=np.float32)
    y = random.integers(0, 2, 2 * config.samples)
    n = config.samples
    return Source(x=x[:n], y=y[:n], classes=2, test_x=x[n:], test_y=y[n:])
