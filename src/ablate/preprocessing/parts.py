"""Which samples go into which part: for training, to choose on, to test on; and how many of them are trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ablate.data import Source
from ablate.options.schema import DatasetConfig
from ablate.utils.errors import ConfigError, refuse
from ablate.utils.seeds import SAMPLES, SPLIT, numpy_generator

Indices = np.ndarray


def parts(config: DatasetConfig, source: Source, classes: np.ndarray) -> dict[str, Indices]:
    """The places in a source of each part that is split off it, sorted, so that a split doesn't decide the order of
    training. A part that was published is not among them.

    classes: [n], what stays in proportion in all parts; all the same where nothing has to.

    Raises:
        ConfigError: a part would be empty; more samples are asked for than there are.
    """
    n = len(classes)
    shares = {
        "test": 0.0 if source.test_y is not None else getattr(config, "test_fraction", 0.2),
        "val": 0.0 if source.val_y is not None else config.val_fraction,
    }
    if source.time is not None and source.group is not None:
        raise ConfigError("dataset.group and dataset.time: a split goes by one of the two; leave one out")
    if source.time is not None:
        found = _by_time(source.time, shares)
    elif source.group is not None:
        found = _by_group(source.group, shares, numpy_generator(_seed(config), SPLIT))
    else:
        found = _by_chance(classes, shares, numpy_generator(_seed(config), SPLIT))
    found = {name: part for name, part in found.items() if name == "train" or shares[name]}
    for name, part in found.items():
        if not len(part):
            key = "test_fraction" if name == "test" else "val_fraction"
            raise refuse(
                f"dataset.{key}", getattr(config, key), f"leaves the {name} part empty: there are {n:,} samples"
            )
    if config.samples is not None:
        found["train"] = _fewer(config, found["train"], classes)
    return found


def stratified(labels: np.ndarray, share: float, random: np.random.Generator) -> tuple[Indices, Indices]:
    """Indices of `share` of the samples and of the rest, each class in proportion (largest remainders).

    labels: [n]. Both index arrays are sorted.
    """
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * share
    take = np.floor(exact).astype(int)
    for i in np.argsort(take - exact, kind="stable")[: round(len(labels) * share) - take.sum()]:
        take[i] += 1
    chosen = np.zeros(len(labels), dtype=bool)
    for label, n in zip(classes, take, strict=True):
        chosen[random.permutation(np.flatnonzero(labels == label))[:n]] = True
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _by_chance(classes: np.ndarray, shares: Mapping[str, float], random: np.random.Generator) -> dict[str, Indices]:
    rest, found = np.arange(len(classes)), {}
    for name, share in shares.items():
        if share:
            part, left = stratified(classes[rest], share * len(classes) / len(rest), random)
            found[name], rest = rest[part], rest[left]
    return {**found, "train": rest}


def _by_group(group: np.ndarray, shares: Mapping[str, float], random: np.random.Generator) -> dict[str, Indices]:
    """Whole groups, in an order drawn by the seed, until a part has its share of the samples."""
    names, which, sizes = np.unique(group, return_inverse=True, return_counts=True)
    order = random.permutation(len(names))
    rank = np.argsort(order)
    ends = np.cumsum(sizes[order])[rank]  # of each group: how many samples stand in it and in those before
    return _cut(((ends - sizes / 2) / len(group))[which], shares)


def _by_time(time: np.ndarray, shares: Mapping[str, float]) -> dict[str, Indices]:
    """What is latest is the test, what comes before it validation. What is of the same time stays together."""
    _, when, sizes = np.unique(time, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return _cut((1 - (ends - sizes / 2) / len(time))[when], shares)


def _cut(at: np.ndarray, shares: Mapping[str, float]) -> dict[str, Indices]:
    """at: of each sample, where it stands between 0 and 1; what stands first is the test, then validation."""
    test, val = shares["test"], shares["test"] + shares["val"]
    return {
        "test": np.flatnonzero(at < test),
        "val": np.flatnonzero((at >= test) & (at < val)),
        "train": np.flatnonzero(at >= val),
    }


def _fewer(config: DatasetConfig, train: Indices, classes: np.ndarray) -> Indices:
    """The first of the training samples in an order in which every beginning has the classes in proportion: what is
    taken of fewer is among what is taken of more.
    """
    wanted = config.samples or 0
    if wanted > len(train):
        raise refuse("dataset.samples", wanted, f"the training part has {len(train):,}")
    random = numpy_generator(_seed(config), SAMPLES)
    shuffled = train[random.permutation(len(train))]
    _, kind, sizes = np.unique(classes[shuffled], return_inverse=True, return_counts=True)
    order = np.argsort(kind, kind="stable")  # class by class
    nth = np.empty(len(train))
    nth[order] = np.concatenate([np.arange(size) for size in sizes])
    due = (nth + 0.5) / sizes[kind]
    return np.sort(shuffled[np.argsort(due, kind="stable")[:wanted]])


def _seed(config: DatasetConfig) -> int:
    assert config.split_seed is not None  # which whoever asks for a split has filled in
    return config.split_seed
