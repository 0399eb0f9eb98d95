"""Data losses, batched over runs: cross-entropy, with one logit where there are two classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def gradient(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """The gradient by the logits of the weighted sum of the samples' losses.

    logits: [runs, batch, outputs]; y: int64 [runs, batch, 1]; weight: [batch, 1], 1/batch for a mean.
    """
    if logits.shape[2] == 1:
        probability = logits.neg().exp_().add_(1).reciprocal_()
        return probability.sub_(y).mul_(weight)
    d = torch.softmax(logits, 2)
    return d.scatter_add_(2, y, d.new_full((1, 1, 1), -1.0).expand_as(y)).mul_(weight)


def sums(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Summed loss and number of right answers of every run, [runs] each.

    logits: [runs, n, outputs]; y: int64 [runs or 1, n, 1].
    """
    y = y.expand(len(logits), -1, -1)
    if logits.shape[2] == 1:
        loss = F.binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none")
        right = (logits > 0) == (y > 0)
    else:
        loss = torch.logsumexp(logits, 2, keepdim=True) - logits.gather(2, y)
        right = logits.argmax(2, keepdim=True) == y
    return loss.double().sum((1, 2)), right.sum((1, 2))
