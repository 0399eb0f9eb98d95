"""Datasets. A module here is a dataset: a `Config` of its keys and `load(config) -> Source`.

Modules import what is heavy inside `load`, so that a config can be checked without it.

A YAML may also name a function by `_target_` (options/target.py), with its arguments beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.options import target
from ablate.options.discovery import DATASETS, blamed
from ablate.options.schema import DatasetConfig
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import short

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Source:
    """Samples as they come, before split and scaling.

    x: [n, features] or [n, channels, height, width], any number type; or a data frame, a row a sample, whose columns
        become numbers by what the training part says of them (preprocessing.columns). An array may be a memory map, or
        anything with `shape`, `dtype`, `len` and indexing by an array of places that reads samples when asked.
    y: [n], what is to be predicted: classes (whole numbers, text) or numbers; [n, k]: 0 or 1 for each of k labels, or k
        numbers.
    classes: how many, where y is whole numbers from 0; None: found out from y. task: what y is, where the source knows.
    labels: the names of the classes, in their order, or of the k labels or numbers; found out from y where it is text.
    test_x, test_y, val_x, val_y: published parts, where there are any; else they are split off x.
    group, time: [n], see `options.schema.TableConfig`; weight: [n], above 0.
    said: lines about how the samples were read, for the person who typed the command.
    """

    x: Any
    y: np.ndarray
    classes: int | None = None
    test_x: Any = None
    test_y: np.ndarray | None = None
    val_x: Any = None
    val_y: np.ndarray | None = None
    task: str = "auto"
    labels: Sequence[Any] = ()
    target: str = ""
    group: np.ndarray | None = None
    time: np.ndarray | None = None
    weight: np.ndarray | None = None
    said: Sequence[str] = ()


def names() -> tuple[str, ...]:
    return DATASETS.names()


def schema(node: dict[str, Any]) -> type[DatasetConfig]:
    """The schema of a dataset's keys, which name it."""
    return target.TargetDataset if target.TARGET in node else DATASETS.load(node["name"]).Config


def source(config: Any) -> Source:
    """The samples that a dataset's config asks for.

    Raises:
        ConfigError: its files are missing or damaged, or its samples can't be used.
    """
    found = _given(config) if isinstance(config, target.TargetDataset) else _loaded(config)
    parts = {"": (found.x, found.y)}
    if found.test_x is not None and found.test_y is not None:
        parts["test "] = (found.test_x, found.test_y)
    for part, (x, y) in parts.items():
        if wrong := _wrong_samples(x, found.x.shape[1:]) or _wrong_labels(y, len(x), found.classes):
            raise ConfigError(f"dataset={config.name}: its {part}{wrong}")
    return found


def _loaded(config: Any) -> Source:
    try:
        found: Source = DATASETS.load(config.name).load(config)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # whatever a module of the user's may raise
        where = blamed(error, DATASETS.file(config.name))
        raise ConfigError(f"dataset={config.name}: {where}: {one_line(error)}") from error
    if not isinstance(found, Source):
        file = short(DATASETS.file(config.name))
        raise ConfigError(f"dataset={config.name}: load in {file} must return a Source, not {type(found).__name__}")
    return found


def _given(config: target.TargetDataset) -> Source:
    """What the target returns, as a source; labels are 0 … classes-1."""
    import numpy as np

    found = target.call(config)
    if isinstance(found, Source):
        return found
    if not isinstance(found, tuple | list) or len(found) not in (2, 4):
        allowed = "must give (x, y), (x, y, test_x, test_y) or an ablate.data.Source"
        raise ConfigError(f"dataset={config.name}: {allowed}, not {type(found).__name__}")
    try:
        x, y, *test = (np.asarray(array) for array in found)
    except Exception as error:  # ragged lists, tensors that want a gradient
        raise ConfigError(f"dataset={config.name}: what it gives is no array of numbers: {one_line(error)}") from error
    if y.dtype.kind not in "iu" or not y.size:
        raise ConfigError(f"dataset={config.name}: labels are of type {y.dtype}; must be whole numbers from 0")
    return Source(x, y, int(y.max()) + 1, *test)


def _wrong_samples(x: np.ndarray, shape: tuple[int, ...]) -> str | None:
    """What is wrong with these samples, whose features must have this shape, or None."""
    import numpy as np

    if x.ndim < 2 or not x.size:
        return f"samples have the shape {list(x.shape)}; must be [samples, features] or images, and at least one"
    if x.dtype.kind not in "biuf":
        return f"samples are of type {x.dtype}; must be numbers"
    if x.shape[1:] != shape:
        return f"samples have the shape {list(x.shape[1:])}; must be {list(shape)}, as the others"
    if x.dtype.kind == "f" and (odd := len(x) - np.isfinite(x).reshape(len(x), -1).all(axis=1).sum()):
        return f"samples hold NaN or infinity ({odd:,} of {len(x):,} do); must be finite numbers"
    return None


def _wrong_labels(y: np.ndarray, samples: int, classes: int) -> str | None:
    import numpy as np

    allowed = f"must be whole numbers from 0 to {classes - 1}"
    if y.shape != (samples,):
        return f"labels have the shape {list(y.shape)}; must be one a sample, [{samples}]"
    if y.dtype.kind not in "iu":
        return f"labels are of type {y.dtype}; {allowed}"
    if y.min() < 0 or y.max() >= classes:
        return f"labels go from {y.min()} to {y.max()}; {allowed}"
    if missing := sorted(set(range(classes)) - set(np.unique(y).tolist())):
        named = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        return f"labels lack {named}; every one of the {classes} classes must be there"
    return None
