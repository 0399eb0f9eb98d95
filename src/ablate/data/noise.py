"""The notes' data for early stopping: uniform random features, random 0/1 labels. Nothing can be learnt."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.options.schema import DatasetConfig
from ablate.utils import memory


class Config(DatasetConfig):
    size: int = Field(ge=10, description="samples for training and validation; as many again are drawn for the test")
    features: int = Field(ge=1, description="numbers a sample has, uniform from 0 to 1")


def load(config: Config) -> Source:
    samples = 2 * config.size
    # As they are drawn and, split, as they are trained on.
    memory.demand(
        f"dataset=noise: {samples:,} samples of {config.features:,} features",
        2 * memory.FLOAT * samples * config.features,
    )
    random = np.random.default_rng(config.split_seed)
    x = random.random((samples, config.features), dtype=np.float32)
    y = random.integers(0, 2, samples)
    n = config.size
    return Source(x=x[:n], y=y[:n], classes=2, test_x=x[n:], test_y=y[n:])
