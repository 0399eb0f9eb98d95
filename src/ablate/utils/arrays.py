"""Samples as arrays that may be larger than memory, and data frames told from them. Light: NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from mmap import mmap
from typing import Any

import numpy as np

PIECE = 2**29  # bytes of samples that are looked at together, in float64


def is_frame(x: Any) -> bool:
    """Whether samples are a pandas data frame, without importing pandas for it."""
    return hasattr(x, "columns") and hasattr(x, "iloc")


def pieces(x: Any, at: np.ndarray) -> Iterator[np.ndarray]:
    """The samples at these places, [m, …] each time."""
    rows = max(1, PIECE // (8 * math.prod(x.shape[1:])))
    for begin in range(0, len(at), rows):
        yield np.asarray(fresh(x)[at[begin : begin + rows]])


def fresh(x: Any) -> Any:
    """A mapped array mapped anew: what was read of the old one no longer counts as this process's memory."""
    if not isinstance(x, np.memmap) or not isinstance(x.base, mmap):
        return x
    order: Any = "C" if x.flags.c_contiguous else "F"
    return np.memmap(str(x.filename), x.dtype, "r", x.offset, x.shape, order)
