"""Datasets. A module here is a dataset: a `Config` of its keys and `load(config) -> Source`.

Modules import what is heavy inside `load`, so that a config can be checked without it.

A YAML may also name a function by `_target_` (options/target.py), with its arguments beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    from ablate.utils.arrays import is_frame  # imports NumPy

    found = _returned(config) if isinstance(config, target.TargetDataset) else _loaded(config)
    if is_frame(found.x):
        found = _plain(found, config.name)
    if wrong := _wrong(found):
        raise ConfigError(f"dataset={config.name}: its {wrong}")
    return found


def _plain(found: Source, name: str) -> Source:
    """With data frames as `_frames.plain` reads them, whoever made the source, as new rows are too."""
    from ablate.data import _frames

    said = list(found.said)
    parts: dict[str, Any] = {}
    for part in ("x", "test_x", "val_x"):
        if (x := getattr(found, part)) is not None:
            try:
                parts[part], notes = _frames.plain(x)
            except ConfigError as error:
                raise ConfigError(f"dataset={name}: {error}") from None
            said += notes
    return replace(found, said=said, **parts)


def _wrong(found: Source) -> str | None:
    """What is wrong with samples, or None."""
    from ablate.data import _checks
    from ablate.utils.arrays import is_frame

    shape = None if is_frame(found.x) else tuple(found.x.shape[1:])
    published = {"test ": (found.test_x, found.test_y), "val ": (found.val_x, found.val_y)}
    parts = {"": (found.x, found.y)} | {name: part for name, part in published.items() if part[0] is not None}
    for part, (x, y) in parts.items():
        if y is None:
            return f"{part}samples have no labels"
        if wrong := _checks.wrong_samples(x, shape) or _checks.wrong_targets(y, len(x), found.classes):
            return f"{part}{wrong}"
        if y.shape[1:] != found.y.shape[1:] or (y.dtype.kind in "UO") != (found.y.dtype.kind in "UO"):
            return f"{part}labels are of type {y.dtype} and shape {list(y.shape)}, unlike the others ({found.y.dtype})"
    for name in ("group", "time", "weight"):
        if (values := getattr(found, name)) is not None and (wrong := _checks.wrong_beside(name, values, len(found.x))):
            return wrong
    return None


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


def _returned(config: target.TargetDataset) -> Source:
    """What the target returns, as a source."""
    from ablate.data import _given

    return _given.source_of(target.call(config), config)
