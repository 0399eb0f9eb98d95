"""From samples as they come to the numbers that a model is given, by what the training part says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ablate.options.schema import DatasetConfig
from ablate.utils.errors import refuse

PIECE = 4096  # samples that are scaled at a time, in float64


class Inputs(Protocol):
    """said: lines for the person who typed the command."""

    @property
    def said(self) -> tuple[str, ...]: ...
    def transform(self, x: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class Scaled:
    """An array whose every column, or channel of images, is shifted and divided.

    shift, scale: float64, of the shape [1, columns] or [1, channels, 1, …], or [1] where nothing is done.
    """

    shift: np.ndarray
    scale: np.ndarray
    said: tuple[str, ...] = ()

    @classmethod
    def fit(cls, x: Any, kind: str) -> Scaled:
        """x: the training part, [n, columns] or [n, channels, …]; kind: as `dataset.scaling`.

        Raises:
            ConfigError: arrays can't be scaled so.
        """
        axes = (0, *range(2, x.ndim))
        if kind == "standard":
            shift = x.mean(axes, dtype=np.float64, keepdims=True)
            scale = x.std(axes, dtype=np.float64, keepdims=True)
        elif kind == "unit":
            shift = x.min(axes, keepdims=True).astype(np.float64)
            scale = x.max(axes, keepdims=True) - shift
        elif kind == "robust":
            low, shift, high = np.percentile(x, (25, 50, 75), axis=axes, keepdims=True)
            scale = high - low
        elif kind == "none":
            return cls(np.zeros(1), np.ones(1))
        else:
            raise refuse("dataset.scaling", kind, "is for tables; of arrays: standard, robust, unit or none")
        return cls(shift, np.where(scale == 0, 1, scale))  # a constant feature stays where it is

    def transform(self, x: Any) -> np.ndarray:
        """float32 [n, *shape]; what is too large for that is infinite."""
        scaled = np.empty(x.shape, dtype=np.float32)
        for begin in range(0, len(x), PIECE):  # images come as bytes
            piece = slice(begin, begin + PIECE)
            with np.errstate(over="ignore"):
                scaled[piece] = (x[piece] - self.shift) / self.scale
        return scaled


def fitted(x: Any, config: DatasetConfig) -> Inputs:
    """How this training part, an array or a data frame, becomes numbers.

    Raises:
        ConfigError: it can't.
    """
    if isinstance(x, np.ndarray):
        return Scaled.fit(x, config.scaling)
    from ablate.preprocessing.columns import Columns  # imports scikit-learn, which only tables need

    return Columns.fit(x, config)
