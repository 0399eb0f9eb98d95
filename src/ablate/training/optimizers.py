"""The update rules, PyTorch's own, on flat [runs, parameters] buffers.

Runs in a stack may differ in every number, but PyTorch's fused kernels take one learning rate a call. Rows
with the same numbers are therefore neighbours (stack.py sorts them) and each such block gets its call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.rmsprop import rmsprop as _rmsprop
from torch.optim.sgd import sgd as _sgd

from ablate.config.schema import SGD, Adam, AdamW, Optimizer, RMSprop
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
        for config, *tensors in self.blocks:
            _RULES[type(config)](config, *tensors)
        self.steps += 1


_Tensors = list[Tensor]


def _step_adam(c: Adam, w: _Tensors, g: _Tensors, first: _Tensors, second: _Tensors, count: _Tensors) -> None:
    # The kernels that torch.optim ends in: finding out which takes it half as long as they do.
    decay = c.weight_decay if isinstance(c, AdamW) else 0.0
    rule = torch._fused_adamw_ if isinstance(c, AdamW) else torch._fused_adam_
    count[0].add_(1)
    rule(
        w, g, first, second, [], count, amsgrad=False, maximize=False,
        lr=c.lr, beta1=c.beta1, beta2=c.beta2, eps=c.eps, weight_decay=decay,
    )  # fmt: skip


def _step_sgd(c: SGD, w: _Tensors, g: _Tensors, first: _Tensors, _: _Tensors, count: _Tensors) -> None:
    # A buffer of zeros gives the same first step as PyTorch's missing one: dampening is 0.
    buffers: list[Tensor | None] = [*first] if c.momentum else [None]
    _sgd(
        w, g, buffers, fused=True, lr=c.lr, momentum=c.momentum, nesterov=c.nesterov,
        weight_decay=0.0, dampening=0.0, maximize=False,
    )  # fmt: skip


def _step_rmsprop(c: RMSprop, w: _Tensors, g: _Tensors, first: _Tensors, second: _Tensors, count: _Tensors) -> None:
    _rmsprop(
        w, g, first, [], second if c.momentum else [], count, foreach=False, lr=c.lr, alpha=c.alpha, eps=c.eps,
        weight_decay=0.0, momentum=c.momentum, centered=False,
    )  # fmt: skip


_RULES: dict[type[Optimizer], Callable[..., None]] = {
    Adam: _step_adam,
    AdamW: _step_adam,
    SGD: _step_sgd,
    RMSprop: _step_rmsprop,
}


def code_of(config: Optimizer) -> dict[str, str]:
    """The digest of an optimizer's rule, and of what it names in this module."""
    return code.of_function(__name__, _RULES[type(config)].__name__)
