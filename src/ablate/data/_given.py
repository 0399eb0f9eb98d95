"""What a function of one's own returns, as a source: arrays, data frames, torch Datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ablate.data import Source
from ablate.data._frames import ROLES
from ablate.data._frames import source_of as of_frame
from ablate.options.schema import DatasetConfig, TableConfig
from ablate.options.target import SHARED, TargetDataset
from ablate.utils.arrays import is_frame
from ablate.utils.errors import ConfigError, one_line, refuse

ALLOWED = (
    "must give (x, y), (x, y, test_x, test_y), a data frame, a torch Dataset, a pair of these for training and test, "
    "or an ablate.data.Source"
)
# Keys that say something of columns.
TABLES = [key for key in TableConfig.model_fields if key not in {*DatasetConfig.model_fields, *SHARED}]


def source_of(found: Any, config: TargetDataset) -> Source:
    """
    Raises:
        ConfigError: it is nothing of the kind.
    """
    if isinstance(found, Source):
        _refuse(config, ROLES if is_frame(found.x) else TABLES, "data frames; the function gave a Source")
        return found
    parts = list(found) if isinstance(found, tuple | list) else [found]
    if len(parts) in (1, 2) and all(map(is_frame, parts)) and not (len(parts) == 2 and len(parts[1].columns) == 1):
        return of_frame(parts[0], config, test=parts[1] if len(parts) == 2 else None)
    if len(parts) in (1, 2) and all(map(_is_dataset, parts)):
        _refuse(config, TABLES, "tables; the function gave a Dataset")
        return _of_datasets(parts, config)
    if len(parts) not in (2, 4):
        raise ConfigError(f"dataset={config.name}: {ALLOWED}, not {type(found).__name__}")
    if is_frame(parts[0]):
        return _of_columns(parts, config)
    _refuse(config, TABLES, "tables; the function gave arrays")
    try:
        x, y, *test = (part if _reads(part) else np.asarray(part) for part in parts)
    except Exception as error:  # ragged lists, tensors that want a gradient
        raise ConfigError(f"dataset={config.name}: what it gives is no array of numbers: {one_line(error)}") from error
    return Source(x, _labels(y), None, test[0] if test else None, _labels(test[1]) if test else None)


def _refuse(config: TargetDataset, keys: Iterable[str], of: str) -> None:
    """Refuse keys that were given, and would be of no use."""
    for key in keys:
        if (given := getattr(config, key)) != TableConfig.model_fields[key].default:
            raise refuse(f"dataset.{key}", given, f"is for {of}")


def _reads(part: Any) -> bool:
    """Whether something is as good as an array, and reads samples when asked; arrays and tensors are made arrays."""
    named = all(hasattr(part, name) for name in ("shape", "dtype", "__len__", "__getitem__"))
    return isinstance(part, np.memmap) or (named and not hasattr(part, "__array__"))


def _labels(y: np.ndarray) -> np.ndarray:
    """Labels of a column are one a sample; of text, text."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind == "b":
        return y.astype(str) if y.ndim == 1 else y.astype(np.int64)
    return y.astype(str) if y.dtype.kind == "O" and all(isinstance(label, str) for label in y.flat) else y


def _of_columns(parts: list[Any], config: TargetDataset) -> Source:
    """Of a data frame and its labels apart, which become a column."""
    name = str(getattr(parts[1], "name", None) or config.target or "target")
    frames = []
    for x, y in zip(parts[::2], parts[1::2], strict=True):
        labels = np.asarray(y)
        if len(labels) != len(x) or (labels.ndim == 2 and labels.shape[1] != 1):
            said = f"labels have the shape {list(labels.shape)}; must be one a row, [{len(x)}]"
            raise ConfigError(f"dataset={config.name}: its {said}")
        if name in x.columns:
            raise ConfigError(f"dataset={config.name}: has the column {name} among its features and as labels")
        frames.append(x.reset_index(drop=True).assign(**{name: labels.reshape(-1)}))
    config = config.model_copy(update={"target": name})
    return of_frame(frames[0], config, test=frames[1] if len(frames) == 2 else None)


def _is_dataset(part: Any) -> bool:
    from torch.utils.data import Dataset

    return isinstance(part, Dataset)


def _of_datasets(parts: list[Any], config: TargetDataset) -> Source:
    from ablate.data._lazy import Samples

    train, *test = (Samples.of(part, config.name) for part in parts)
    if not test:
        return Source(train, _labels(train.y))
    return Source(train, _labels(train.y), None, test[0], _labels(test[0].y))
