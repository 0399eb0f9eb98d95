"""What is wrong with samples and targets, as far as it shows without knowing the task; one line, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.utils.arrays import is_frame, pieces
from ablate.utils.text import cut, listed

if TYPE_CHECKING:
    import pandas as pd

LIGHTEST = 1e-15  # weight of a sample: in 32 bits, sums of such are still told apart from 0


def wrong_samples(x: Any, shape: tuple[int, ...] | None = None) -> str | None:
    """shape: the features of a sample must have this one."""
    if is_frame(x):
        return _wrong_frame(x)
    if len(x.shape) < 2 or 0 in x.shape:
        return f"samples have the shape {list(x.shape)}; must be [samples, features] or images, and at least one"
    if x.dtype.kind not in "biuf":
        return f"samples are of type {x.dtype}; must be numbers"
    if shape is not None and tuple(x.shape[1:]) != shape:
        return f"samples have the shape {list(x.shape[1:])}; must be {list(shape)}, as the others"
    if x.dtype.kind == "f" and isinstance(x, np.ndarray):  # others say so when they are read
        whole = pieces(x, np.arange(len(x)))
        odd = sum(len(piece) - int(np.isfinite(piece).reshape(len(piece), -1).all(axis=1).sum()) for piece in whole)
        if odd:
            return f"samples hold NaN or infinity ({odd:,} of {len(x):,} do); must be finite numbers"
    return None


def _wrong_frame(x: pd.DataFrame) -> str | None:
    if not len(x) or not len(x.columns):
        return f"samples are a table of {len(x):,} rows and {len(x.columns):,} columns; must be at least one of each"
    for name in x.columns:
        column = x[name].to_numpy()
        if column.dtype.kind == "f" and (odd := int(np.isinf(column).sum())):
            return (
                f"column {cut(str(name))} is infinite in {odd:,} of {len(x):,} rows; must be finite numbers, or missing"
            )
    return None


def wrong_targets(y: np.ndarray, samples: int, classes: int | None) -> str | None:
    """y: [samples], or [samples, k] of several labels or numbers; classes: how many there must be, if that is said."""
    if y.ndim not in (1, 2) or len(y) != samples or 0 in y.shape:
        return f"labels have the shape {list(y.shape)}; must be one a sample, [{samples}], or several, [{samples}, k]"
    if classes is not None:
        return _wrong_classes(y, samples, classes)
    if y.dtype.kind not in ("iufbUO" if y.ndim == 1 else "iufb"):
        allowed = "text or numbers" if y.ndim == 1 else "numbers, where there are several"
        return f"labels are of type {y.dtype}; must be {allowed}"
    if y.dtype.kind == "O" and (odd := {type(label).__name__ for label in y if not isinstance(label, str)}):
        return f"labels are of type {listed(sorted(odd))}; must be text or numbers"
    if y.dtype.kind == "f" and (odd_ones := int((~np.isfinite(y)).sum())):
        return f"labels hold NaN or infinity ({odd_ones:,} of {y.size:,} do); must be finite numbers"
    return None


def _wrong_classes(y: np.ndarray, samples: int, classes: int) -> str | None:
    allowed = f"must be whole numbers from 0 to {classes - 1}"
    if y.ndim > 1:
        return f"labels have the shape {list(y.shape)}; must be one a sample, [{samples}]"
    if y.dtype.kind not in "iu":
        return f"labels are of type {y.dtype}; {allowed}"
    if y.min() < 0 or y.max() >= classes:
        return f"labels go from {y.min()} to {y.max()}; {allowed}"
    if missing := sorted(set(range(classes)) - set(np.unique(y).tolist())):
        named = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        return f"labels lack {named}; every one of the {classes} classes must be there"
    return None


def wrong_beside(name: str, values: np.ndarray, samples: int) -> str | None:
    """Of what stands beside samples: group, time, weight."""
    if values.shape != (samples,):
        return f"{name} has the shape {list(values.shape)}; must be one a sample, [{samples}]"
    if name == "weight":
        if values.dtype.kind not in "iuf":
            return f"weight is of type {values.dtype}; must be numbers"
        if odd := int((~((values >= LIGHTEST) & (values <= 1 / LIGHTEST))).sum()):
            allowed = f"must be from {LIGHTEST:g} to {1 / LIGHTEST:g}"
            return f"weight is something else for {odd:,} of {samples:,} samples; {allowed}"
    if name == "time":
        if values.dtype.kind not in "iufMUO":  # text may be dates
            return f"time is of type {values.dtype}; must be numbers or dates"
        if values.dtype.kind in "fM" and (
            odd := int((values != values).sum())
        ):  # NaN and NaT are not equal to themselves
            return f"time is missing for {odd:,} of {samples:,} samples"
    return None
