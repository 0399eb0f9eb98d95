"""The same step by PyTorch's autograd: the check of the delta rule, which needs nothing from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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


def _followed(network: Network) -> Any:
    """The network with tensors for arrays, which autograd follows."""
    weights: Any = [torch.tensor(array, requires_grad=True) for array in network.weights]
    biases: Any = [torch.tensor(array, requires_grad=True) for array in network.biases]
    return replace(network, weights=weights, biases=biases)


def _forward(network: Any, pattern: Pattern, masks: Arrays = ()) -> tuple[list[Tensor], Tensor, Forward]:
    """The nets and the error of a followed network, for autograd to be asked about, and the whole pass in numbers."""
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
    leaves, layers = _followed(network), len(network.weights)
    weights, parameters = leaves.weights, leaves.weights + leaves.biases
    strengths = regularizer.strengths(layers)
    nets, error, passed = _forward(leaves, pattern, masks)

    def gradients(of: Tensor, by: list[Tensor]) -> Arrays:
        return _arrays(torch.autograd.grad(of, by, retain_graph=True))

    terms = {
        name: torch.stack([of.get(name, 0.0) * size(w) for of, w in zip(strengths, weights, strict=True)]).sum()
        for name, size in SIZES.items()
    }
    found = gradients(error, nets + weights)
    pulls = {name: gradients(term, weights) for name, term in terms.items()}
    downhill = gradients(error + terms["l1"] + terms["l2"], parameters)
    # What torch.optim.SGD does, whose import takes seconds.
    changed = [old - rate * gradient for old, gradient in zip(_arrays(parameters), downhill, strict=True)]
    new = replace(network, weights=changed[:layers], biases=changed[layers:])
    return Step(
        *(network, pattern, rate, regularizer, masks),
        forward=passed,
        before=_forward(leaves, pattern)[-1],
        penalties={name: term.item() for name, term in terms.items()},
        deltas=[-gradient for gradient in found[:layers]],
        gradients=found[layers:],
        pulls=[{name: -rate * pulls[name][k] for name in of} for k, of in enumerate(strengths)],
        new=new,
        after=_forward(_followed(new), pattern)[-1],
    )
