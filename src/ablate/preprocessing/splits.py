"""From samples to the three parts that a run trains, chooses and tests on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from ablate import data
from ablate.options.schema import DatasetConfig, Keyed
from ablate.utils.errors import refuse
from ablate.utils.seeds import SPLIT, numpy_generator


@dataclass(frozen=True)
class Part:
    """x: float32 [n, *shape]; y: int64 [n]."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Facts:
    """What is to be known of a split without its samples.

    shape: of one sample; outputs: how many logits a model gives; parts: how many samples each has; bytes: of all.
    """

    shape: tuple[int, ...]
    outputs: int
    parts: Mapping[str, int]
    bytes: int
    fingerprint: str


@dataclass(frozen=True)
class Split:
    train: Part
    val: Part
    test: Part
    classes: int
    fingerprint: str  # of the samples as they came, before split and scaling

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.x.shape[1:])

    @cached_property
    def samples(self) -> dict[str, float]:
        """How many there are in each part; majority: the share of the training part's most frequent class in the test
        part, which always naming that class gets right.
        """
        frequent = self.train.y.bincount().argmax()
        majority = float((self.test.y == frequent).double().mean())
        return {"train": len(self.train), "val": len(self.val), "test": len(self.test), "majority": majority}

    @property
    def outputs(self) -> int:
        """How many logits a model gives: one for two classes."""
        return 1 if self.classes == 2 else self.classes

    @property
    def facts(self) -> Facts:
        parts = {"train": self.train, "val": self.val, "test": self.test}
        size = sum(part.x.nbytes + part.y.nbytes for part in parts.values())
        return Facts(self.shape, self.outputs, {n: len(part) for n, part in parts.items()}, size, self.fingerprint)


def stratified(labels: np.ndarray, share: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices of `share` of the samples and of the rest, each class in proportion (largest remainders).

    labels: [n]. Both index arrays are sorted, so that a split doesn't decide the order of training.
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


KEPT = 256 * 2**20  # bytes of splits that stay for whoever asks next, beside those in use; the last stays anyway

_used: WeakValueDictionary[Keyed, Split] = WeakValueDictionary()
_kept: dict[Keyed, Split] = {}
_facts: dict[Keyed, Facts] = {}


def split(dataset: DatasetConfig, seed: int) -> Split:
    """The split of a dataset that this seed gives, on the CPU. Equal ones are one, and share its memory.

    Raises:
        ConfigError: files are missing or damaged, or a part would lack samples of a class.
    """
    asked = _asked(dataset, seed)
    found = _used.get(asked)
    if found is None:
        found = _used[asked] = _split(asked)
        _facts[asked] = found.facts
    if _kept.pop(asked, None) is None:
        _make_room(_facts[asked].bytes)
    _kept[asked] = found  # the last that was asked for is the last to go
    return found


def facts(dataset: DatasetConfig, seed: int) -> Facts:
    """What is to be known of `split`, without making it anew where it has been made once.

    Raises:
        ConfigError: as `split` does.
    """
    asked = _asked(dataset, seed)
    if asked not in _facts:
        split(dataset, seed)
    return _facts[asked]


def _make_room(wanted: int) -> None:
    oldest = list(_kept)
    there = wanted + sum(_facts[key].bytes for key in oldest)
    for key in oldest:
        if there <= KEPT:
            return
        there -= _facts[key].bytes
        _kept.pop(key, None)


def _asked(dataset: DatasetConfig, seed: int) -> Keyed:
    return Keyed.of(dataset.model_copy(update={"split_seed": seed}))


def _split(asked: Keyed) -> Split:
    config = asked.config
    source = data.source(config)
    random = numpy_generator(config.split_seed, SPLIT)
    x, y, rest = source.x, source.y, np.arange(len(source.y))
    parts = {}
    if source.test_x is not None and source.test_y is not None:
        parts["test"] = (source.test_x, source.test_y)
    else:
        test, rest = stratified(y, config.test_fraction, random)
        parts["test"] = (x[test], y[test])
    val, train = stratified(y[rest], config.val_fraction * len(y) / len(rest), random)
    parts |= {"val": (x[rest[val]], y[rest[val]]), "train": (x[rest[train]], y[rest[train]])}
    for name, (_, labels) in parts.items():
        key = "test_fraction" if name == "test" and hasattr(config, "test_fraction") else "val_fraction"
        if missing := source.classes - len(np.unique(labels)):
            allowed = f"leaves the {name} part without a sample of {missing} of the {source.classes} classes"
            raise refuse(f"dataset.{key}", getattr(config, key), allowed)
    shift, scale = _scaling(config.scaling, parts["train"][0])
    tensors = {name: _part(features, labels, shift, scale) for name, (features, labels) in parts.items()}
    if not all(part.x.isfinite().all() for part in tensors.values()):
        raise refuse("dataset.scaling", config.scaling, "makes numbers that are too large for 32 bits")
    return Split(**tensors, classes=source.classes, fingerprint=_fingerprint(source))


def _fingerprint(source: data.Source) -> str:
    """The same for the same samples, whatever file they were read from."""
    digest = hashlib.sha256()
    for array in (source.x, source.y, source.test_x, source.test_y):
        if array is not None:
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _scaling(kind: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What to take off and what to divide by: per channel of images, per column of tables."""
    axes = (0, *range(2, x.ndim))
    if kind == "standard":
        shift, scale = (
            x.mean(axes, dtype=np.float64, keepdims=True),
            x.std(axes, dtype=np.float64, keepdims=True),
        )
    elif kind == "unit":
        shift = x.min(axes, keepdims=True).astype(np.float64)
        scale = x.max(axes, keepdims=True) - shift
    else:
        return np.zeros(1), np.ones(1)
    return shift, np.where(scale == 0, 1, scale)  # a constant feature stays where it is


def _part(x: np.ndarray, y: np.ndarray, shift: np.ndarray, scale: np.ndarray) -> Part:
    scaled = np.empty(x.shape, dtype=np.float32)
    for begin in range(0, len(x), 4096):  # in float64, piece by piece: images come as bytes
        piece = slice(begin, begin + 4096)
        with np.errstate(over="ignore"):  # what gets too large is refused later
            scaled[piece] = (x[piece] - shift) / scale
    return Part(torch.from_numpy(scaled), torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64)))
