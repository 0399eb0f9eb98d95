"""Back-propagation as the delta rule, one pattern at a time, over NumPy float64.

Units are numbered through the network; i feeds j, j feeds k. x is the input, t the target, η the learning rate.

    net_j = Σ_i w_ij·y_i            forward, from the inputs on (there y_i is x_i)
    y_j   = f(net_j)
    δ_k   = f′(net_k)·(t_k − y_k)   an output unit, with E = ½Σ(t − y)²
    δ_k   = t_k − y_k               an output unit, with cross-entropy after sigmoid or softmax
    δ_j   = f′(net_j)·Σ_k w_jk·δ_k  a hidden unit, with the weights from before the update
    Δw_ij = η·δ_j·y_i

So δ_j = −∂E/∂net_j, and Δw_ij = −η·∂E/∂w_ij is gradient descent (Rumelhart, Hinton and Williams 1986, Nature
323:533). A bias is the weight of an input that is always 1.

L1 adds l1·Σ|w| to what is minimised, and so −η·l1·sign(w) to every update; L2 adds l2·Σw² and −η·2·l2·w. Biases
have no part in either. Dropout multiplies what a hidden unit passes on by m_j, which is 0 or 1/(1 − p), and
therefore its δ_j too (Srivastava et al. 2014).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr

Array = NDArray[np.float64]
Arrays = Sequence[Array]
T = TypeVar("T")


def sigmoid(net: Array) -> Array:
    with np.errstate(over="ignore"):  # e^1000 is infinite, and 1/∞ the 0 that is wanted
        return 1 / (1 + np.exp(-net))


def gelu_slope(net: Array, y: Array) -> Array:
    return ndtr(net) + net * (np.exp(-(net**2) / 2) / np.sqrt(2 * np.pi))


# f(net), and its slope f′ from net and y = f(net); elementwise.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "sigmoid": (sigmoid, lambda net, y: y * (1 - y)),
    "tanh": (np.tanh, lambda net, y: 1 - y**2),
    "relu": (lambda net: np.maximum(net, 0), lambda net, y: (net > 0).astype(np.float64)),
    "gelu": (lambda net: net * ndtr(net), gelu_slope),
    "linear": (lambda net: net, lambda net, y: np.ones_like(net)),
}
# Σ|w| and Σw² of a layer, and their slopes by w.
PENALTIES: dict[str, tuple[Callable[[Array], float], Callable[[Array], Array]]] = {
    "l1": (lambda w: np.abs(w).sum(), np.sign),
    "l2": (lambda w: (w**2).sum(), lambda w: 2 * w),
}


@dataclass(frozen=True)
class Network:
    """Layers of weights, and the functions between them."""

    weights: Arrays  # [from, to] of a layer
    biases: Arrays = ()  # [to] of a layer, or none at all
    activation: str = "sigmoid"  # of the hidden units
    output: str = "sigmoid"  # of the output units; with cross_entropy sigmoid or softmax
    loss: str = "squared"  # ½Σ(t − y)², or cross_entropy

    @property
    def sizes(self) -> list[int]:
        """The number of units of every layer, the inputs first."""
        return [len(self.weights[0]), *(w.shape[1] for w in self.weights)]

    @property
    def activations(self) -> list[str]:
        """Of the units that each layer of weights leads to."""
        return [self.activation] * (len(self.weights) - 1) + [self.output]


class Pattern(NamedTuple):
    """An input [units of the first layer] and what the last layer should answer."""

    x: Array
    target: Array


@dataclass(frozen=True)
class Regularizer:
    """Strengths of l1·Σ|w| and l2·Σw² over the weights of all layers, or of all but the last (hidden); dropout's p."""

    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    layers: str = "all"

    @property
    def strengths(self) -> dict[str, float]:
        """Those of penalties that are not 0."""
        return {name: strength for name in PENALTIES if (strength := getattr(self, name))}

    def penalised(self, layers: Sequence[T]) -> Sequence[T]:
        """Those of the layers of weights that have a part in the penalties."""
        return layers if self.layers == "all" else layers[:-1]

    def penalties(self, weights: Arrays) -> dict[str, float]:
        """l1·Σ|w| and l2·Σw²."""
        penalised = self.penalised(weights)
        return {name: sum((of * PENALTIES[name][0](w) for w in penalised), 0.0) for name, of in self.strengths.items()}


PLAIN = Regularizer()  # none


class Forward(NamedTuple):
    """A forward pass, an array a layer: what is fed to it, its nets and its outputs y; and the error E."""

    fed: Arrays
    nets: Arrays
    ys: Arrays
    error: float


class Step(NamedTuple):
    """One update, and all that led to it: an array a layer, [from, to] or [to]."""

    network: Network
    pattern: Pattern
    rate: float
    regularizer: Regularizer
    masks: Arrays  # dropout's m of every hidden layer, or none
    forward: Forward  # what is trained on
    before: Forward  # the same without masks, as a network is used
    penalties: dict[str, float]
    deltas: Arrays
    gradients: Arrays
    pulls: dict[str, Arrays]  # of each penalty on the layers that have a part in it
    new: Network
    after: Forward  # with the new weights and without masks

    @property
    def objective(self) -> float:
        return self.forward.error + sum(self.penalties.values())

    @property
    def values(self) -> Array:
        """In a row, to be compared: what has been worked out, and nothing that was given."""
        slopes = [*self.gradients, *self.deltas[: len(self.new.biases)]]
        passes = [*self.forward.nets, *self.forward.ys, *self.forward.fed[1:], self.before.ys[-1], self.after.ys[-1]]
        changes = [*(self.rate * slope for slope in slopes), *chain(*self.pulls.values())]
        found = [*passes, *self.deltas, *slopes, *changes, *self.new.weights, *self.new.biases]
        sums = [self.forward.error, self.before.error, self.after.error, self.objective, *self.penalties.values()]
        return np.concatenate([sums, *(values.ravel() for values in found)])


def error(network: Network, net: Array, y: Array, target: Array) -> float:
    """E of the output units. Cross-entropy is taken from net: ln y has no value where y rounds to 0."""
    if network.loss == "squared":
        return float(0.5 * np.sum((target - y) ** 2))
    if network.output == "sigmoid":  # −Σ t·ln y + (1 − t)·ln(1 − y)
        return float(np.sum(np.logaddexp(0, net) - target * net))
    return float(np.sum(target * (logsumexp(net) - net)))  # −Σ t·ln y


def forward(network: Network, pattern: Pattern, masks: Arrays = ()) -> Forward:
    """net_j = Σ w_ij·y_i and y_j = f(net_j), layer by layer. masks: m of every hidden layer, or none."""
    fed, nets, ys = [pattern.x], [], []
    for k, (weights, name) in enumerate(zip(network.weights, network.activations, strict=True)):
        net = fed[k] @ weights + (network.biases[k] if network.biases else 0)
        y = np.exp(net - logsumexp(net)) if name == "softmax" else ACTIVATIONS[name][0](net)
        nets.append(net)
        ys.append(y)
        fed.append(masks[k] * y if k < len(masks) else y)
    return Forward(fed[:-1], nets, ys, error(network, nets[-1], ys[-1], pattern.target))


def backward(network: Network, passed: Forward, target: Array, masks: Arrays = ()) -> Arrays:
    """The deltas of every layer, found from the last layer to the first."""
    delta = target - passed.ys[-1]
    if network.loss == "squared":
        delta = ACTIVATIONS[network.output][1](passed.nets[-1], passed.ys[-1]) * delta
    deltas = [delta]
    for k in reversed(range(len(network.weights) - 1)):
        delta = ACTIVATIONS[network.activation][1](passed.nets[k], passed.ys[k]) * (network.weights[k + 1] @ delta)
        delta = masks[k] * delta if masks else delta
        deltas.insert(0, delta)
    return deltas


def step(network: Network, pattern: Pattern, rate: float, regularizer: Regularizer = PLAIN, masks: Arrays = ()) -> Step:
    """One update by the delta rule: Δw = η·δ·y, and the pull of the penalties."""
    passed = forward(network, pattern, masks)
    deltas = backward(network, passed, pattern.target, masks)
    gradients = [-np.outer(fed, delta) for fed, delta in zip(passed.fed, deltas, strict=True)]
    weights = [w - rate * gradient for w, gradient in zip(network.weights, gradients, strict=True)]
    pulls: dict[str, Arrays] = {}
    for name, strength in regularizer.strengths.items():
        pulls[name] = [-rate * strength * PENALTIES[name][1](w) for w in regularizer.penalised(network.weights)]
        for k, pull in enumerate(pulls[name]):
            weights[k] = weights[k] + pull
    biases = [b + rate * delta for b, delta in zip(network.biases, deltas, strict=False)]  # there may be none
    new, before = replace(network, weights=weights, biases=biases), forward(network, pattern)
    given, penalties = (network, pattern, rate, regularizer, masks), regularizer.penalties(network.weights)
    return Step(*given, passed, before, penalties, deltas, gradients, pulls, new, forward(new, pattern))
