"""L1, the lasso: Σ|w|. A constant pull toward zero. Keras' convention: the sum, no mean, no ½."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def penalty(weight: Tensor) -> Tensor:
    return weight.abs().sum()


def gradient(weight: Tensor) -> Tensor:
    """sign(w), and 0 where w is 0."""
    return weight.sign()
