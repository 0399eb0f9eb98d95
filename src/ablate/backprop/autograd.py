"""The same step by PyTorch's autograd: the check of the delta rule, which needs nothing from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ablate.backprop.delta_rule import PLAIN, Arrays, Forward, Network, Pattern, Regularizer, Step

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": F.gelu,
    "linear": torch.clone,
    "softmax": lambda net: torch.softmax(net, 0),
}
SIZES = {"l1": lambda w: w.abs().sum(), "l2": lambda w: w.square().sum()}


def _arrays(tensors: Sequence[Tensor]) -> Arrays:
    return [tensor.detach().numpy() for tensor in tensors]


def _tensors(arrays: Arrays) -> Any:
    """For arrays of a network, what autograd follows."""
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def _gradients(of: Tensor, by: Sequence[Tensor]) -> Arrays:
    return _arrays(torch.autograd.grad(of, by, retain_graph=True)) if by else []


def _forward(network: Any, pattern: Pattern, masks: Arrays = ()) -> tuple[list[Tensor], Tensor, Forward]:
    """The nets and the error of a network of tensors, for autograd to be asked about; and the pass in numbers."""
    fed, nets, ys, target = [torch.from_numpy(pattern.x)], [], [], torch.from_numpy(pattern.target)
    for k, (weights, name) in enumerate(zip(network.weights, network.activations, strict=True)):
        nets.append(F.linear(fed[k], weights.T, network.biases[k] if network.biases else None))
        ys.append(ACTIVATIONS[name](nets[k]))
        fed.append(ys[k] * torch.from_numpy(masks[k]) if k < len(masks) else ys[k])
    if network.loss == "squared":
        error = F.mse_loss(ys[-1], target, reduction="sum") / 2
    elif network.output == "sigmoid":
        error = F.binary_cross_entropy_with_logits(nets[-1], target, reduction="sum")
    else:
        error = F.cross_entropy(nets[-1], target, reduction="sum")
    return nets, error, Forward(_arrays(fed[:-1]), _arrays(nets), _arrays(ys), error.item())


def step(network: Network, pattern: Pattern, rate: float, regularizer: Regularizer = PLAIN, masks: Arrays = ()) -> Step:
    """What `delta_rule.step` finds by hand, of the same shapes."""
    followed: Any = replace(network, weights=_tensors(network.weights), biases=_tensors(network.biases))
    nets, error, passed = _forward(followed, pattern, masks)
    penalised = regularizer.penalised(followed.weights)
    terms = {name: [of * SIZES[name](w) for w in penalised] for name, of in regularizer.strengths.items()}
    objective = sum(chain(*terms.values()), error)
    weights, biases = (
        # What torch.optim.SGD does, whose import takes seconds.
        [old - rate * slope for old, slope in zip(_arrays(tensors), _gradients(objective, tensors), strict=True)]
        for tensors in (followed.weights, followed.biases)
    )
    new = replace(network, weights=weights, biases=biases)
    return Step(
        *(network, pattern, rate, regularizer, masks),
        forward=passed,
        before=_forward(followed, pattern)[-1],
        penalties={name: sum((term.item() for term in found), 0.0) for name, found in terms.items()},
        deltas=[-slope for slope in _gradients(error, nets)],
        gradients=_gradients(error, followed.weights),
        pulls={
            name: [-rate * _gradients(term, [w])[0] for term, w in zip(found, penalised, strict=True)]
            for name, found in terms.items()
        },
        new=new,
        after=_forward(replace(new, weights=_tensors(weights), biases=_tensors(biases)), pattern)[-1],
    )
