"""From samples as they come to the numbers that a model is given, by what the training part says of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ablate.options.schema import DatasetConfig
from ablate.utils import memory
from ablate.utils.arrays import is_frame, pieces
from ablate.utils.errors import refuse


class Inputs(Protocol):
    """said: lines for the person who typed the command; features: of tables, what each number of a sample is."""

    @property
    def said(self) -> tuple[str, ...]: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    def transform(self, x: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class Scaled:
    """An array whose every column, or channel of images, is shifted and divided.

    shift, scale: float64, of the shape [1, columns] or [1, channels, 1, …], or [1] where nothing is done.
    """

    shift: np.ndarray
    scale: np.ndarray
    said: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @classmethod
    def fit(cls, x: Any, at: np.ndarray, kind: str) -> Scaled:
        """x: an array, [n, columns] or [n, channels, …], or what reads one; at: the places of the training part; kind:
        as `dataset.scaling`. Taken piece by piece, to the same bits whether the samples are in memory or read.

        Raises:
            ConfigError: arrays can't be scaled so.
        """
        axes = (0, *range(2, len(x.shape)))
        if kind == "none":
            return cls(np.zeros(1), np.ones(1))
        if kind == "standard":
            n = len(at) * math.prod(x.shape[2:])
            shift = sum(piece.sum(axes, dtype=np.float64, keepdims=True) for piece in pieces(x, at)) / n
            scale = np.sqrt(sum(np.square(piece - shift).sum(axes, keepdims=True) for piece in pieces(x, at)) / n)
        elif kind == "unit":
            shift = np.min([p.min(axes, keepdims=True) for p in pieces(x, at)], axis=0).astype(np.float64)
            scale = np.max([p.max(axes, keepdims=True) for p in pieces(x, at)], axis=0) - shift
        elif kind == "robust":
            memory.demand(
                "dataset.scaling=robust: all training samples at once", memory.FLOAT * len(at) * math.prod(x.shape[1:])
            )
            low, shift, high = np.percentile(x[at], (25, 50, 75), axis=axes, keepdims=True)
            scale = high - low
        else:
            raise refuse("dataset.scaling", kind, "is for tables; of arrays: standard, robust, unit or none")
        return cls(shift, np.where(scale == 0, 1, scale))  # a constant feature stays where it is

    def transform(self, x: np.ndarray) -> np.ndarray:
        """float32 [n, *shape]; what is too large for that is infinite."""
        with np.errstate(over="ignore"):
            return ((x - self.shift) / self.scale).astype(np.float32)


def fitted(x: Any, at: np.ndarray, config: DatasetConfig) -> Inputs:
    """How samples, an array or a data frame, become numbers, by those of the training part, which are at these places.

    Raises:
        ConfigError: they can't.
    """
    if not is_frame(x):
        return Scaled.fit(x, at, config.scaling)
    from ablate.preprocessing.columns import Columns  # imports scikit-learn, which only tables need

    return Columns.fit(x.iloc[at], config)
