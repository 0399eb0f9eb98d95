"""Samples that are drawn: classes or numbers of which it is known what they hang on, and by how much."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.options.schema import DatasetConfig
from ablate.utils import memory
from ablate.utils.errors import refuse


class Config(DatasetConfig):
    kind: Literal["classification", "regression", "sparse_linear"] = Field(
        description="make_classification and make_regression of scikit-learn; sparse_linear: a linear teacher of few"
    )
    size: int = Field(ge=10, description="samples for training and validation; as many again are drawn for the test")
    features: int = Field(ge=1, description="numbers a sample has")
    informative: int = Field(ge=1, description="features on which the target hangs; the others are noise")
    noise: float = Field(
        ge=0, description="classes: share of the labels that are drawn at random; numbers: SD of what is added to them"
    )
    classes: int = Field(default=2, ge=2, description="of kind=classification")


def load(config: Config) -> Source:
    samples = 2 * config.size
    memory.demand(
        f"dataset=synthetic: {samples:,} samples of {config.features:,} features",
        8 * memory.FLOAT * samples * config.features,
    )
    if config.informative > config.features:
        raise refuse("dataset.informative", config.informative, f"must be at most dataset.features={config.features}")
    if config.kind != "classification" and config.classes != Config.model_fields["classes"].default:
        raise refuse("dataset.classes", config.classes, f"is of dataset.kind=classification, not {config.kind}")
    x, y = _classes(config, samples) if config.kind == "classification" else _numbers(config, samples)
    n = config.size
    classes, task = (config.classes, "auto") if config.kind == "classification" else (None, "regression")
    return Source(x[:n], y[:n], classes, x[n:], y[n:], task=task)


def _classes(config: Config, samples: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_classification

    if config.noise > 1:
        raise refuse("dataset.noise", config.noise, "must be a share of the labels, from 0 to 1")
    corners = 2**config.informative  # of a cube, where the clusters are
    if config.classes > corners:
        allowed = f"must be at most {corners}, the corners that dataset.informative={config.informative} has"
        raise refuse("dataset.classes", config.classes, allowed)
    x, y = make_classification(
        samples,
        config.features,
        n_informative=config.informative,
        n_redundant=0,
        n_classes=config.classes,
        n_clusters_per_class=min(2, corners // config.classes),
        flip_y=config.noise,
        random_state=_seed(config),
    )
    return x, y


def _numbers(config: Config, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """sparse_linear: y = x·w + noise, x normal, w ±1 for the informative features, 0 for the others."""
    if config.kind == "regression":
        from sklearn.datasets import make_regression

        return make_regression(
            samples,
            config.features,
            n_informative=config.informative,
            noise=config.noise,
            random_state=_seed(config),
        )
    random = np.random.default_rng(config.split_seed)
    x = random.normal(size=(samples, config.features))
    teacher = np.zeros(config.features)
    chosen = random.permutation(config.features)[: config.informative]
    teacher[chosen] = random.choice([-1.0, 1.0], config.informative)
    return x, x @ teacher + config.noise * random.normal(size=samples)


def _seed(config: Config) -> np.random.RandomState:
    """scikit-learn's kind of generator, from a seed of any size."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(config.split_seed)))
