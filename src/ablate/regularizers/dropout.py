"""Dropout: hides a share p of the units while training, scales the others by 1/(1-p) (Srivastava et al. 2014).

`regularizer.dropout` is p: 0 = none. A model's `dropout` follows it.
Masks are drawn as packed 16-bit lanes, four from each 64-bit draw: ten times faster than a float a unit.
p is therefore a multiple of 1/65536, and the scale is taken from the rounded p.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.schema import Probability

if TYPE_CHECKING:
    from torch import Generator, Tensor

LIMITS = Probability
penalty = None
LANES = 2**16


def rounded(p: float) -> float:
    """p as the lanes can express it, below 1."""
    return min(round(p * LANES), LANES - 1) / LANES


def draw(lanes: Tensor, generators: list[Generator]) -> Tensor:
    """Fill `lanes` [runs, n] of int64, a row from each run's own generator; return them as int16 [runs, 4n]."""
    import torch

    for row, generator in zip(lanes, generators, strict=True):
        row.random_(-(2**63), None, generator=generator)
    return lanes.view(torch.int16)


def levels(p: Tensor) -> tuple[Tensor, Tensor]:
    """The lane from which on a unit stays, int16, and by what it is scaled. p: rounded, any shape."""
    import torch

    return (p * LANES - LANES // 2).to(torch.int16), 1 / (1 - p)


def mask(lanes: Tensor, threshold: Tensor, scale: Tensor, out: Tensor) -> Tensor:
    """0 with probability p, else 1/(1-p).

    lanes: int16 [runs, …]; threshold, scale: [runs, 1, …], p's levels; out: [runs, …].
    """
    import torch

    return torch.mul(lanes >= threshold, scale, out=out)
