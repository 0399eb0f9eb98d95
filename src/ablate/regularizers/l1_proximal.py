"""L1 by its proximal operator: the penalty λ·Σ|w| of `l1`, with weights that are exactly 0.

A (sub)gradient step nearly never lands on 0: it jumps across, and back. So here L1 has no part in the gradient.
After every step of the optimizer each weight is taken toward 0 by a = learning rate × λ, and one that is nearer
than that becomes 0. That is soft thresholding, the proximal operator of a·|w|:

    argmin over v of ½(v − w)² + a·|v|  =  sign(w)·max(|w| − a, 0)

With plain SGD this is proximal gradient descent on loss + λ·Σ|w| (Parikh and Boyd 2014, Proximal Algorithms, 4.2
and 6.5.2). With Adam and RMSprop it is not: they divide the loss's gradient by its size, and the threshold is not
divided by anything. It stands outside of the adaptive step, as weight decay does in AdamW (Loshchilov and Hutter
2019), and training is no descent on objective. The same goes for momentum, which stretches the steps alone. λ is
therefore another number than that of `l1`: with Adam, `l1` moves a weight that the loss doesn't care for by about
the learning rate, whatever λ is; this moves it by λ times the learning rate, so λ = 1 is as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.regularizers.l1 import penalty as penalty

if TYPE_CHECKING:
    from torch import Tensor


def proximal(weight: Tensor, amount: Tensor) -> Tensor:
    """weight − what of it is within ±amount: exactly 0 where that is all."""
    return weight - weight.clamp(-amount, amount)
