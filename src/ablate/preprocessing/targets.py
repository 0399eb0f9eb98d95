"""What is to be predicted: which task it is, and how a model's numbers and a person's words stand for each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ablate.data import Source
from ablate.options.schema import MOST
from ablate.utils.errors import ConfigError, refuse
from ablate.utils.text import cut, listed, shown

CLASSES_AT_MOST = 20  # different whole numbers that are taken for classes
NUMBERS_FROM = 50  # from so many different ones on they are taken for numbers; between the two one has to say
NAMED = 10  # labels that are named in a line


@dataclass(frozen=True)
class Target:
    """task: one of `tasks.TASKS`; labels: of the classes in the order of their numbers, or of the k labels or numbers;
    name: of the column, where there is one; numbered: whether what comes are the classes' numbers, not their labels.

    shift, scale: [k], of the training part's numbers, which a model gives with mean 0 and SD 1.
    """

    task: str
    labels: tuple[Any, ...]
    name: str = ""
    numbered: bool = False
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def outputs(self) -> int:
        """How many numbers a model gives: of two classes one, the logit of the second."""
        return 1 if self.task == "binary" else len(self.labels)

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes of which a sample has one, or none where that is not the task."""
        return self.labels if self.task in ("binary", "multiclass") else ()

    def encode(self, y: np.ndarray) -> np.ndarray:
        """As losses take it: classes int64 [n]; several labels float32 [n, k], 0 or 1; numbers float32 [n, k], scaled.

        Raises:
            ConfigError: there is a label that is none of ours.
        """
        if self.task == "multilabel":
            return y.astype(np.float32)
        if self.task == "regression":
            return ((_columns(y) - self.shift) / self.scale).astype(np.float32)
        if self.numbered:
            return y.astype(np.int64)
        places = {label: place for place, label in enumerate(self.labels)}
        try:
            return np.array([places[label] for label in plain(y)], dtype=np.int64)
        except KeyError as error:
            said = listed([cut(shown(label)) for label in self.labels[:NAMED]])
            raise ConfigError(f"{called(self.name)}: {cut(shown(error.args[0]))}: is no label of {said}") from None

    def answers(self, y: np.ndarray) -> np.ndarray:
        """As metrics take it: `encode`d, but for numbers, which stay in their own unit, float64 [n, k]."""
        return _columns(y) if self.task == "regression" else self.encode(y)

    def in_units(self, y: np.ndarray) -> np.ndarray:
        """Numbers that were scaled in their own unit, float64 [n, k]."""
        return y.astype(np.float64) * self.scale + self.shift

    def fitted(self, y: np.ndarray) -> Target:
        """With what the training part's numbers say; y: as they come."""
        if self.task != "regression":
            return self
        columns = _columns(y)
        scale = columns.std(axis=0)
        return replace(
            self, shift=tuple(columns.mean(axis=0).tolist()), scale=tuple(np.where(scale > 0, scale, 1).tolist())
        )


def target(source: Source, asked: str) -> Target:
    """What a source's targets are. asked: the task, or `auto`.

    Raises:
        ConfigError: they look like those of another task, or can't be told; says what to type.
    """
    y = np.concatenate([part for part in (source.y, source.val_y, source.test_y) if part is not None])
    values = [] if y.ndim > 1 or _fractional(y) else sorted(set(plain(y)), key=_order)
    task = _task(y, len(values), source, asked)
    if y.dtype.kind == "f" and not (np.abs(y) <= MOST).all():
        raise ConfigError(f"{called(source.target)}: must be from {-MOST:g} to {MOST:g}")
    labels = tuple(source.labels)
    if task not in ("binary", "multiclass"):
        k = 1 if y.ndim == 1 else y.shape[1]
        return Target(task, labels if len(labels) == k else tuple(range(k)), source.target)
    if source.classes is not None:
        return Target(task, labels or tuple(range(source.classes)), source.target, numbered=True)
    return Target(task, tuple(values), source.target)


def called(name: str) -> str:
    return f"dataset.target={name}" if name else "the target"


def plain(y: np.ndarray) -> list[Any]:
    """Labels as Python's own values; numbers without a fraction are whole."""
    if y.dtype.kind == "f" and not _fractional(y):
        y = y.astype(np.int64)
    return [label.item() if isinstance(label, np.generic) else label for label in y.tolist()]


def _task(y: np.ndarray, values: int, source: Source, asked: str) -> str:
    """values: how many different ones there are; 0 where they are fractions, or several a sample."""
    name, numbers = called(source.target), y.dtype.kind in "iuf"
    several = y.ndim > 1
    wanted = source.task if asked == "auto" else asked
    if several:
        marks = y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all()
        allowed = ["multilabel", "regression"] if marks else ["regression"]
    elif values == 0:
        allowed = ["regression"]
    else:
        known = values if source.classes is None else source.classes
        allowed = ["binary" if known == 2 else "multiclass"] + ["regression"] * numbers
    if wanted != "auto":
        if wanted not in allowed:
            what = f"{y.shape[1]} numbers a sample" if several else _described(y, values)
            raise refuse("task", wanted, f"{name} has {what}: must be {' or '.join(allowed)}")
        return wanted
    if values == 1 and source.classes is None:
        raise ConfigError(f"{name}: has the same value in every row, {cut(shown(plain(y[:1])[0]))}: nothing to predict")
    if source.classes is None and numbers and values > CLASSES_AT_MOST:
        if values < NUMBERS_FROM:
            raise ConfigError(f"{name}: has {_described(y, values)}: say task=multiclass or task=regression")
        return "regression"
    return allowed[0]


def _described(y: np.ndarray, values: int) -> str:
    if not values:
        return "numbers with fractions"
    return f"{values:,} different {'whole numbers' if y.dtype.kind in 'iuf' else 'labels'}"


def _fractional(y: np.ndarray) -> bool:
    """Beyond 2**53 every float is whole."""
    return y.dtype.kind == "f" and bool(((y != np.floor(y)) | (np.abs(y) > 2**53)).any())


def _columns(y: np.ndarray) -> np.ndarray:
    """[n, k], float64."""
    return y.reshape(len(y), -1).astype(np.float64)


def _order(label: Any) -> Any:
    """Labels of a kind in their own order."""
    return (isinstance(label, str), label if isinstance(label, str | int | float) else str(label))
