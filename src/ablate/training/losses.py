"""Data losses, batched over runs, and the metric that every epoch is watched by.

Logits are [runs, outputs, batch]: PyTorch's own order of dimensions for losses, classes before samples. Targets are
classes, int64 [runs or 1, 1, batch], or numbers, float32 [runs or 1, outputs, batch].
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ablate.config.schema import Config
from ablate.utils.errors import refuse

CLASSES = ("binary", "multiclass", "multilabel")


class Loss(Protocol):
    def gradient(self, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        """The gradient by the logits of the weighted sum of the samples' losses.

        weight: [batch] or [runs, 1, batch], 1/batch for a mean.
        """

    def values(self, logits: Tensor, y: Tensor) -> Tensor:
        """The loss of every sample, [runs, batch]. Of several outputs their mean."""


class CrossEntropy:
    """Of one class a sample; y: classes, or probabilities, float [runs, outputs, batch], to the same bits where these
    are 0 and 1.
    """

    def gradient(self, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        if logits.shape[1] == 1:
            return _sigmoid(logits).sub_(y).mul_(weight)
        d = torch.log_softmax(logits, 1).exp_()  # torch.softmax rounds otherwise on several threads
        if y.is_floating_point():
            return d.sub_(y).mul_(weight)
        return d.scatter_add_(1, y, d.new_full((1, 1, 1), -1.0).expand_as(y)).mul_(weight)

    def values(self, logits: Tensor, y: Tensor) -> Tensor:
        y = y.expand(len(logits), -1, -1)
        if logits.shape[1] == 1:
            return F.binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none").squeeze(1)
        return torch.log_softmax(logits, 1).gather(1, y).neg_().squeeze(1)


class BinaryCrossEntropy:
    """Of several labels a sample, each by itself."""

    def gradient(self, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        return _sigmoid(logits).sub_(y).mul_(weight / logits.shape[1])

    def values(self, logits: Tensor, y: Tensor) -> Tensor:
        y = y.expand(len(logits), -1, -1)
        return F.binary_cross_entropy_with_logits(logits, y, reduction="none").mean(1)


class Squared:
    """Of numbers: (logit − y)², as torch.nn.MSELoss."""

    def gradient(self, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        return (logits - y).mul_(2 * weight / logits.shape[1])

    def values(self, logits: Tensor, y: Tensor) -> Tensor:
        return (logits - y).square_().mean(1)


class Absolute:
    """Of numbers: |logit − y|, as torch.nn.L1Loss."""

    def gradient(self, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        return (logits - y).sign_().mul_(weight / logits.shape[1])

    def values(self, logits: Tensor, y: Tensor) -> Tensor:
        return (logits - y).abs_().mean(1)


class Huber:
    """Of numbers: squared up to delta, then absolute, as torch.nn.HuberLoss."""

    def __init__(self, delta: float) -> None:
        self.delta = delta

    def gradient(self, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        return (logits - y).clamp_(-self.delta, self.delta).mul_(weight / logits.shape[1])

    def values(self, logits: Tensor, y: Tensor) -> Tensor:
        y = y.expand(len(logits), -1, -1)
        return F.huber_loss(logits, y, reduction="none", delta=self.delta).mean(1)


def of(config: Config, task: str) -> Loss:
    """The loss that a config asks for.

    Raises:
        ConfigError: it is not one of this task.
    """
    name, chosen = config.loss.name, config.loss
    of_classes = task in CLASSES
    allowed = ("auto", "cross_entropy") if of_classes else ("auto", "mse", "mae", "huber")
    if name not in allowed:
        raise refuse("loss", name, f"is no loss of task={task}: {', '.join(allowed)} are")
    if not of_classes and getattr(chosen, "class_weights", None):
        raise refuse("loss.class_weights", chosen.class_weights, f"task={task} has no classes")
    if task == "multilabel" and chosen.class_weights:
        raise refuse("loss.class_weights", chosen.class_weights, "is for one class a sample; these have several labels")
    if task == "multilabel":
        return BinaryCrossEntropy()
    if of_classes:
        return CrossEntropy()
    if name == "huber":
        return Huber(chosen.delta)
    return Absolute() if name == "mae" else Squared()


def probabilities(y: Tensor, outputs: int) -> Tensor:
    """Classes, int64 [runs, 1, batch], as probabilities, float32 [runs, outputs, batch]; of two that of class 1.

    Numbers stay what they are.
    """
    if y.is_floating_point():
        return y
    if outputs == 1:
        return y.to(torch.float32)
    return torch.zeros(len(y), outputs, y.shape[2], device=y.device).scatter_(1, y, 1.0)


def right(logits: Tensor, y: Tensor) -> Tensor:
    """Which samples are named rightly, bool [runs, batch]: the class, or all of several labels. A tie is not right."""
    y = y.expand(len(logits), -1, -1)
    if y.is_floating_point() or logits.shape[1] == 1:
        return (((logits > 0) == (y > 0)) & (logits != 0)).all(1)
    return (logits >= logits.gather(1, y)).sum(1) == 1


def _sigmoid(logits: Tensor) -> Tensor:
    return logits.neg().exp_().add_(1).reciprocal_()
