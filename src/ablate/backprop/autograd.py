"""The same step by PyTorch's autograd: the check of the delta rule, which needs nothing from here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ablate.backprop.delta_rule import Array, Forward, Network, Pattern, Penalty, Step

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": F.gelu,
    "linear": torch.clone,
    "softmax": lambda net: torch.softmax(net, 0),
}


class Pass:
    """A forward pass whose tensors are kept, so that autograd can be asked about each of them."""

    def __init__(self, network: Network, leaves: Leaves, pattern: Pattern, masks: Sequence[Array] = ()) -> None:
        target = torch.from_numpy(pattern.target)
        last = len(network.weights) - 1
        self.fed, self.nets, self.ys = [torch.from_numpy(pattern.x)], [], []
        for k, weights in enumerate(leaves.weights):
            bias = leaves.biases[k] if leaves.biases else None
            self.nets.append(F.linear(self.fed[k], weights.T, bias))
            self.ys.append(ACTIVATIONS[network.output if k == last else network.activation](self.nets[k]))
            if k < last:
                self.fed.append(self.ys[k] * torch.from_numpy(masks[k]) if masks else self.ys[k])
        if network.loss == "squared":
            self.error = F.mse_loss(self.ys[-1], target, reduction="sum") / 2
        elif network.output == "sigmoid":
            self.error = F.binary_cross_entropy_with_logits(self.nets[-1], target, reduction="sum")
        else:
            self.error = F.cross_entropy(self.nets[-1], target, reduction="sum")

    def numbers(self) -> Forward:
        return Forward(arrays(self.fed), arrays(self.nets), arrays(self.ys), self.error.item())


class Leaves:
    """The network's parameters as tensors that autograd follows."""

    def __init__(self, network: Network) -> None:
        self.weights = [torch.tensor(w, requires_grad=True) for w in network.weights]
        self.biases = [torch.tensor(b, requires_grad=True) for b in network.biases]


def arrays(tensors: Sequence[Tensor]) -> list[Array]:
    return [tensor.detach().numpy() for tensor in tensors]


def step(
    network: Network, pattern: Pattern, rate: float, penalty: Penalty | None = None, masks: Sequence[Array] = ()
) -> Step:
    """What `delta_rule.step` finds by hand, of the same shapes."""
    penalty = penalty or Penalty()
    leaves = Leaves(network)
    passed = Pass(network, leaves, pattern, masks)
    layers = len(leaves.weights)

    found = arrays(torch.autograd.grad(passed.error, passed.nets + leaves.weights + leaves.biases, retain_graph=True))
    by_net, by_weight, by_bias = found[:layers], found[layers : 2 * layers], found[2 * layers :]

    l1, l2 = (penalty.strengths(name, layers) for name in ("l1", "l2"))
    terms = {
        "l1": torch.stack([c * w.abs().sum() for c, w in zip(l1, leaves.weights, strict=True)]).sum(),
        "l2": torch.stack([c * w.square().sum() for c, w in zip(l2, leaves.weights, strict=True)]).sum(),
    }
    pulls = {
        name: arrays([-rate * g for g in torch.autograd.grad(term, leaves.weights, retain_graph=True)])
        for name, term in terms.items()
    }

    objective, parameters = passed.error + terms["l1"] + terms["l2"], leaves.weights + leaves.biases
    with torch.no_grad():  # what torch.optim.SGD does, whose import takes seconds
        for leaf, gradient in zip(parameters, torch.autograd.grad(objective, parameters), strict=True):
            leaf -= rate * gradient
    new = Network(
        tuple(arrays(leaves.weights)), tuple(arrays(leaves.biases)), network.activation, network.output, network.loss
    )
    return Step(
        network,
        masks,
        passed.numbers(),
        Pass(network, Leaves(network), pattern).numbers(),
        {name: term.item() for name, term in terms.items()},
        [-g for g in by_net],
        by_weight,
        [-rate * g for g in by_weight],
        pulls,
        [-rate * g for g in by_bias],
        new,
        Pass(new, Leaves(new), pattern).numbers(),
    )
