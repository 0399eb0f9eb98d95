"""Dropout: hides a share p of the units while training, scales the others by 1/(1-p) (Srivastava et al. 2014).

`regularizer.dropout` is p: 0 = none. A model's `dropout` follows it.
Masks are drawn as 16-bit lanes, four from each 64-bit draw: ten times faster than a float a unit.
p is therefore a multiple of 1/65536, and the scale is taken from the rounded p.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ablate.options.schema import Probability

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ablate.utils.seeds import Draws

LIMITS = Probability
LAYERS = tuple(f"torch.nn.modules.dropout.Dropout{kind}" for kind in ("", "1d", "2d", "3d"))
_LANES = 2**16


def masks(strength: Tensor, random: Draws, out: Tensor) -> None:
    """0 with probability p, else 1/(1-p). strength: p, [runs]; out: [runs, …]."""
    import torch

    lanes = random.lanes(out[0].numel()).view(out.shape)
    threshold, scale = _levels(tuple(strength.tolist()), out.ndim, out.device)
    torch.mul(lanes >= threshold, scale, out=out)


@lru_cache(maxsize=256)
def _levels(p: tuple[float, ...], dimensions: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The lane from which on a unit stays, int16, and by what it is scaled: [runs, 1, …]. The same in every step."""
    import torch

    rounded = torch.tensor([min(round(value * _LANES), _LANES - 1) / _LANES for value in p], device=device)
    rounded = rounded.view(-1, *[1] * (dimensions - 1))
    return (rounded * _LANES - _LANES // 2).to(torch.int16), 1 / (1 - rounded)
