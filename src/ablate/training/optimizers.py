"""The update rules, PyTorch's own, on flat [runs, parameters] buffers.

Runs in a stack may differ in every number, but PyTorch's fused kernels take one learning rate a call. Rows
with the same numbers are therefore neighbours (stack.py sorts them) and each such block gets its call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.rmsprop import rmsprop as _rmsprop
from torch.optim.sgd import sgd as _sgd

from ablate.config.schema import SGD, Adam, AdamKeras, AdamW, Optimizer, RMSprop, RMSpropKeras
from ablate.options import code


class Updater:
    """One optimizer over the rows of a stack.

    weights, gradients: [runs, parameters]; configs: an entry a run, all of one kind.
    """

    def __init__(self, configs: Sequence[Optimizer], weights: Tensor, gradients: Tensor) -> None:
        self.configs = list(configs)
        self.steps = 0
        self.moments = [torch.zeros_like(weights) for _ in range(2)]
        self._cut(weights, gradients)

    def resume(self, steps: int, weights: Tensor, gradients: Tensor) -> None:
        """Go on after so many steps; the moments are to be filled in."""
        self.steps = steps
        self._cut(weights, gradients)

    def keep(self, rows: Tensor, weights: Tensor, gradients: Tensor) -> None:
        """Go on with these rows only; weights and gradients are what is left of them."""
        self.configs = [self.configs[i] for i in rows.tolist()]
        self.moments = [moment.index_select(0, rows) for moment in self.moments]
        self._cut(weights, gradients)

    def _cut(self, weights: Tensor, gradients: Tensor) -> None:
        edges = [i for i, c in enumerate(self.configs) if i == 0 or c != self.configs[i - 1]]
        blocks = [slice(i, j) for i, j in zip(edges, [*edges[1:], len(self.configs)], strict=True)]
        self.blocks: list[tuple[Any, ...]] = [
            (
                self.configs[b.start],
                *([tensor[b]] for tensor in (weights, gradients, *self.moments)),
                [torch.tensor(float(self.steps), device=weights.device)],
            )
            for b in blocks
        ]

    def step(self) -> None:
        self.steps += 1
        for config, *tensors in self.blocks:
            _RULES[type(config)](config, self.steps, *tensors)


_Tensors = list[Tensor]


def _fused(
    rule: Callable[..., None], c: Adam, step: int, w: _Tensors, g: _Tensors, first: _Tensors, second: _Tensors,
    count: _Tensors, *, lr: float, eps: float, weight_decay: float = 0.0,
) -> None:  # fmt: skip
    # The kernels that torch.optim ends in: finding out which takes it half as long as they do.
    count[0].fill_(step)
    rule(
        w, g, first, second, [], count, amsgrad=False, maximize=False,
        lr=lr, beta1=c.beta1, beta2=c.beta2, eps=eps, weight_decay=weight_decay,
    )  # fmt: skip


def _step_adam(c: Adam, step: int, *tensors: _Tensors) -> None:
    _fused(torch._fused_adam_, c, step, *tensors, lr=c.lr, eps=c.eps)


def _step_adamw(c: AdamW, step: int, *tensors: _Tensors) -> None:
    _fused(torch._fused_adamw_, c, step, *tensors, lr=c.lr, eps=c.eps, weight_decay=c.weight_decay)


def _step_adam_keras(c: AdamKeras, step: int, *tensors: _Tensors) -> None:
    """w -= α·m/(√v + ε) with α = lr·√(1-β2ᵗ)/(1-β1ᵗ): what PyTorch's lr/(1-β1ᵗ)·m/(√v/√(1-β2ᵗ) + ε) is with another
    lr and ε. Source: keras/src/optimizers/adam.py, 3.15.
    """
    # Keras takes α in float32, where the first one is 6e-6 off: with L2 the loss would differ by 1e-3 in 5 epochs.
    beta1, beta2 = (np.power(np.float32(beta), np.float32(step)) for beta in (c.beta1, c.beta2))
    alpha = np.float32(c.lr) * np.sqrt(1 - beta2) / (1 - beta1)
    mean, root = 1 - c.beta1**step, math.sqrt(1 - c.beta2**step)
    _fused(torch._fused_adam_, c, step, *tensors, lr=float(alpha) * mean / root, eps=c.eps / root)


def _step_sgd(c: SGD, step: int, w: _Tensors, g: _Tensors, first: _Tensors, second: _Tensors, count: _Tensors) -> None:
    # A buffer of zeros gives the same first step as PyTorch's missing one: dampening is 0.
    buffers: list[Tensor | None] = [*first] if c.momentum else [None]
    _sgd(
        w, g, buffers, fused=True, lr=c.lr, momentum=c.momentum, nesterov=c.nesterov,
        weight_decay=0.0, dampening=0.0, maximize=False,
    )  # fmt: skip


def _step_rmsprop(
    c: RMSprop, step: int, w: _Tensors, g: _Tensors, first: _Tensors, second: _Tensors, count: _Tensors
) -> None:
    _rmsprop(
        w, g, first, [], second if c.momentum else [], count, foreach=False, lr=c.lr, alpha=c.alpha, eps=c.eps,
        weight_decay=0.0, momentum=c.momentum, centered=False,
    )  # fmt: skip


def _step_rmsprop_keras(
    c: RMSpropKeras, step: int, w: _Tensors, g: _Tensors, first: _Tensors, second: _Tensors, count: _Tensors
) -> None:
    (weight,), (gradient,), (square,), (moved,) = w, g, first, second
    square.mul_(c.alpha).addcmul_(gradient, gradient, value=1 - c.alpha)
    root = square.add(c.eps).sqrt_()
    if c.momentum:
        weight.sub_(moved.mul_(c.momentum).addcdiv_(gradient, root, value=c.lr))
    else:
        weight.addcdiv_(gradient, root, value=-c.lr)


_RULES: dict[type[Optimizer], Callable[..., None]] = {
    Adam: _step_adam,
    AdamKeras: _step_adam_keras,
    AdamW: _step_adamw,
    SGD: _step_sgd,
    RMSprop: _step_rmsprop,
    RMSpropKeras: _step_rmsprop_keras,
}


def code_of(config: Optimizer) -> dict[str, str]:
    """The digest of an optimizer's rule, and of what it names in this module."""
    return code.of_function(__name__, _RULES[type(config)].__name__)
