"""Data losses, batched over runs: cross-entropy, with one logit where there are two classes.

Logits are [runs, outputs, batch]: PyTorch's own order of dimensions for losses, classes before samples.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def probabilities(y: Tensor, outputs: int) -> Tensor:
    """Classes, int64 [runs, 1, batch], as probabilities, float32 [runs, outputs, batch]; of two that of class 1."""
    if outputs == 1:
        return y.to(torch.float32)
    return torch.zeros(len(y), outputs, y.shape[2], device=y.device).scatter_(1, y, 1.0)


def gradient(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """The gradient by the logits of the weighted sum of the samples' losses.

    logits: [runs, outputs, batch]; y: classes, int64 [runs, 1, batch], or probabilities, float [runs, outputs, batch],
    to the same bits where these are 0 and 1; weight: [batch], 1/batch for a mean.
    """
    if logits.shape[1] == 1:
        probability = logits.neg().exp_().add_(1).reciprocal_()
        return probability.sub_(y).mul_(weight)
    d = torch.log_softmax(logits, 1).exp_()  # torch.softmax rounds otherwise on several threads
    if y.is_floating_point():
        return d.sub_(y).mul_(weight)
    return d.scatter_add_(1, y, d.new_full((1, 1, 1), -1.0).expand_as(y)).mul_(weight)


def sums(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Summed loss and number of right answers of every run, [runs] each. A tie is no right answer.

    logits: [runs, outputs, n]; y: int64 [runs or 1, 1, n].
    """
    y = y.expand(len(logits), -1, -1)
    if logits.shape[1] == 1:
        loss = F.binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none")
        right = ((logits > 0) == (y > 0)) & (logits != 0)
    else:
        loss = torch.log_softmax(logits, 1).gather(1, y).neg_()
        right = (logits >= logits.gather(1, y)).sum(1) == 1
    return loss.flatten(1).double().sum(1), right.flatten(1).sum(1)
