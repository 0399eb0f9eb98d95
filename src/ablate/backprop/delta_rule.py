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
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr

Array = NDArray[np.float64]


def sigmoid(net: Array) -> Array:
    with np.errstate(over="ignore"):  # e^1000 is infinite, and 1/∞ the 0 that is wanted
        return 1 / (1 + np.exp(-net))


def normal_density(net: Array) -> Array:
    return np.exp(-(net**2) / 2) / np.sqrt(2 * np.pi)


class Activation(NamedTuple):
    """f(net), and its slope f′ from net and y = f(net); elementwise."""

    function: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, lambda net, y: y * (1 - y)),
    "tanh": Activation(np.tanh, lambda net, y: 1 - y**2),
    "relu": Activation(lambda net: np.maximum(net, 0), lambda net, y: (net > 0).astype(np.float64)),
    "gelu": Activation(lambda net: net * ndtr(net), lambda net, y: ndtr(net) + net * normal_density(net)),
    "linear": Activation(lambda net: net, lambda net, y: np.ones_like(net)),
}


@dataclass(frozen=True)
class Network:
    """Layers of weights, and the functions between them.

    weights: an array [from, to] a layer. biases: an array [to] a layer, or none at all.
    activation: of the hidden units. output: of the output units; after cross-entropy sigmoid or softmax.
    loss: squared, ½Σ(t − y)², or cross_entropy.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...] = ()
    activation: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "squared"


class Pattern(NamedTuple):
    """An input [units of the first layer] and what the last layer should answer."""

    x: Array
    target: Array


@dataclass(frozen=True)
class Penalty:
    """Strengths of l1·Σ|w| and l2·Σw²: sums over the weights. layers: all of them, or all but the last (hidden)."""

    l1: float = 0.0
    l2: float = 0.0
    layers: str = "all"

    def strengths(self, name: str, layers: int) -> list[float]:
        """The strength of l1 or l2 in every layer."""
        strength: float = getattr(self, name)
        return [strength if self.layers == "all" or k < layers - 1 else 0.0 for k in range(layers)]

    def values(self, weights: Sequence[Array]) -> dict[str, float]:
        """l1·Σ|w| and l2·Σw²."""
        sizes = {"l1": [float(np.abs(w).sum()) for w in weights], "l2": [float((w**2).sum()) for w in weights]}
        return {name: float(np.dot(self.strengths(name, len(weights)), size)) for name, size in sizes.items()}


class Forward(NamedTuple):
    """A forward pass, an array a layer: what is fed to it, its nets and its outputs y; and the error E."""

    fed: list[Array]
    nets: list[Array]
    ys: list[Array]
    error: float


class Step(NamedTuple):
    """One update, and all that led to it: an array a layer, [from, to] or [to]. pulls: by penalty, l1 and l2.

    masks: dropout's m of every hidden layer, or none. before, after: the passes with the old and the new weights
    and no masks, as a network is used; `forward` is the one that was trained on.
    """

    network: Network
    masks: Sequence[Array]
    forward: Forward
    before: Forward
    penalty: dict[str, float]
    deltas: list[Array]
    gradients: list[Array]
    updates: list[Array]
    pulls: dict[str, list[Array]]
    bias_updates: list[Array]
    new: Network
    after: Forward


def error(network: Network, net: Array, y: Array, target: Array) -> float:
    """E of the output units. Cross-entropy is taken from net: ln y has no value where y rounds to 0."""
    if network.loss == "squared":
        return float(0.5 * np.sum((target - y) ** 2))
    if network.output == "sigmoid":  # −Σ t·ln y + (1 − t)·ln(1 − y)
        return float(np.sum(np.logaddexp(0, net) - target * net))
    return float(np.sum(target * (logsumexp(net) - net)))  # −Σ t·ln y


def forward(network: Network, pattern: Pattern, masks: Sequence[Array] = ()) -> Forward:
    """net_j = Σ w_ij·y_i and y_j = f(net_j), layer by layer. masks: m of every hidden layer, or none."""
    fed, nets, ys = [pattern.x], [], []
    last = len(network.weights) - 1
    for k, weights in enumerate(network.weights):
        net = fed[k] @ weights + (network.biases[k] if network.biases else 0)
        if k == last and network.output == "softmax":
            y = np.exp(net - logsumexp(net))
        else:
            y = ACTIVATIONS[network.output if k == last else network.activation].function(net)
        nets.append(net)
        ys.append(y)
        if k < last:
            fed.append(masks[k] * y if masks else y)
    return Forward(fed, nets, ys, error(network, nets[-1], ys[-1], pattern.target))


def backward(network: Network, passed: Forward, target: Array, masks: Sequence[Array] = ()) -> list[Array]:
    """The deltas of every layer, found from the last layer to the first."""
    delta = target - passed.ys[-1]
    if network.loss == "squared":
        delta = ACTIVATIONS[network.output].slope(passed.nets[-1], passed.ys[-1]) * delta
    deltas = [delta]
    for k in reversed(range(len(network.weights) - 1)):
        delta = ACTIVATIONS[network.activation].slope(passed.nets[k], passed.ys[k]) * (network.weights[k + 1] @ delta)
        delta = masks[k] * delta if masks else delta
        deltas.insert(0, delta)
    return deltas


def step(
    network: Network, pattern: Pattern, rate: float, penalty: Penalty | None = None, masks: Sequence[Array] = ()
) -> Step:
    """One update by the delta rule: Δw = η·δ·y, and the pull of the penalties."""
    penalty = penalty or Penalty()
    passed = forward(network, pattern, masks)
    deltas = backward(network, passed, pattern.target, masks)
    products = [np.outer(fed, delta) for fed, delta in zip(passed.fed, deltas, strict=True)]
    updates = [rate * product for product in products]
    bias_updates = [rate * delta for delta in deltas] if network.biases else []

    kernels = network.weights
    l1, l2 = (penalty.strengths(name, len(kernels)) for name in ("l1", "l2"))
    pulls = {
        "l1": [-rate * strength * np.sign(w) for strength, w in zip(l1, kernels, strict=True)],
        "l2": [-rate * strength * 2 * w for strength, w in zip(l2, kernels, strict=True)],
    }
    parts = zip(kernels, updates, pulls["l1"], pulls["l2"], strict=True)
    new = Network(
        tuple(w + update + pull1 + pull2 for w, update, pull1, pull2 in parts),
        tuple(b + update for b, update in zip(network.biases, bias_updates, strict=True)),
        network.activation,
        network.output,
        network.loss,
    )
    gradients = [-product for product in products]
    before, after = forward(network, pattern), forward(new, pattern)
    values = penalty.values(kernels)
    return Step(network, masks, passed, before, values, deltas, gradients, updates, pulls, bias_updates, new, after)
