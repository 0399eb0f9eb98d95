"""L2, ridge: Σw². A pull in proportion to the weight. Keras' convention: the sum, no mean, no ½."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def penalty(weight: Tensor) -> Tensor:
    return weight.square().sum()


def gradient(weight: Tensor) -> Tensor:
    return 2 * weight
