"""What is worked on: the lecture notes' network, or one of any shape with random numbers; and dropout's masks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ablate.backprop.delta_rule import Array, Network, Pattern

NETWORK, PATTERN, MASKS = range(3)  # a stream of random numbers each, so that one option leaves the others' alone

NOTES_WEIGHTS: tuple[Array, ...] = (
    np.array([[0.1, 0.4], [0.8, 0.6]]),  # w13 w14, w23 w24
    np.array([[0.3], [0.9]]),  # w35, w45
)
NOTES_PATTERN = Pattern(np.array([0.35, 0.9]), np.array([0.5]))


def sizes(weights: Sequence[Array]) -> list[int]:
    """The number of units of every layer, the inputs first."""
    return [len(weights[0]), *(w.shape[1] for w in weights)]


def zero_biases(weights: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(np.zeros(w.shape[1]) for w in weights)


def random_weights(shape: Sequence[int], seed: int) -> tuple[Array, ...]:
    """Weights [from, to] between −1 and 1, of two decimals: they can be read, and typed into a calculator."""
    draw = np.random.default_rng([seed, NETWORK])
    return tuple(draw.uniform(-1, 1, pair).round(2) for pair in pairwise(shape))


def random_biases(shape: Sequence[int], seed: int) -> tuple[Array, ...]:
    """Biases [to] between −1 and 1; the weights of the same seed are as they are without biases."""
    draw = np.random.default_rng([seed, NETWORK, 1])
    return tuple(draw.uniform(-1, 1, units).round(2) for units in shape[1:])


def random_pattern(inputs: int, network: Network, seed: int) -> Pattern:
    """Inputs between 0 and 1. Targets likewise; after cross-entropy a class, or yes and no where there is one unit."""
    draw = np.random.default_rng([seed, PATTERN])
    x = draw.uniform(0, 1, inputs).round(2)
    outputs = sizes(network.weights)[-1]
    if network.loss == "squared":
        return Pattern(x, draw.uniform(0, 1, outputs).round(2))
    if network.output == "sigmoid":
        return Pattern(x, draw.integers(0, 2, outputs).astype(np.float64))
    return Pattern(x, np.eye(outputs)[draw.integers(outputs)])


def masks(network: Network, p: float, seed: int, number: int) -> list[Array]:
    """m of every hidden layer in update `number`: 0 with probability p, else 1/(1 − p)."""
    draw = np.random.default_rng([seed, MASKS, number])
    return [(draw.uniform(0, 1, units) >= p) / (1 - p) for units in sizes(network.weights)[1:-1]]
