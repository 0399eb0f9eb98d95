"""Names of units and values as in the notes: w13 leads from unit 1 to unit 3; net3, y3 and δ3 are unit 3's."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ablate.backprop.delta_rule import Array, Forward, Network, Step
from ablate.backprop.examples import sizes


def numbers(network: Network) -> list[range]:
    """The numbers of the units of every layer, from 1 on: inputs first."""
    found, first = [], 1
    for units in sizes(network.weights):
        found.append(range(first, first + units))
        first += units
    return found


def pair(i: int, j: int) -> str:
    """`13` from unit 1 to unit 3; `3,12` where the digits alone wouldn't tell."""
    return f"{i}{j}" if j < 10 else f"{i},{j}"


def parameters(network: Network, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The names of a layer's weights and biases, and where each is in its array: w13 at [0, 0], b3 at [0]."""
    units = numbers(network)
    for place, j in enumerate(units[layer + 1]):
        for source, i in enumerate(units[layer]):
            yield f"w{pair(i, j)}", (source, place)
        if network.biases:
            yield f"b{j}", (place,)


def weights_and_biases(network: Network) -> dict[str, float]:
    """Every parameter of a network by its name, from the inputs on."""
    found = {}
    for k in range(len(network.weights)):
        for name, where in parameters(network, k):
            found[name] = float((network.weights[k] if len(where) == 2 else network.biases[k])[where])
    return found


def named(step: Step) -> dict[str, float]:
    """Every value of a step by its name. `new` is what holds after the update."""
    values: dict[str, float] = {}
    network, last = step.network, len(step.network.weights) - 1
    units = numbers(network)
    values |= _passed(step.forward, units, "") | {"E": step.forward.error}
    values |= _outputs(step.before, units, "all ") | _outputs(step.after, units, "new ")
    values |= {name.upper(): value for name, value in step.penalty.items()}
    values["objective"] = step.forward.error + sum(step.penalty.values())
    for k in range(last + 1):
        values |= _by_unit("δ", units[k + 1], step.deltas[k])
        for name, where in parameters(network, k):
            if name.startswith("b"):
                values[f"∂E/∂{name}"] = -step.deltas[k][where]
                values[f"Δ{name}"] = step.bias_updates[k][where]
            else:
                values[f"∂E/∂{name}"] = step.gradients[k][where]
                values[f"Δ{name}"] = step.updates[k][where]
                values |= {f"{penalty.upper()} {name}": pull[k][where] for penalty, pull in step.pulls.items()}
    values |= {f"new {name}": value for name, value in weights_and_biases(step.new).items()}
    return {name: float(value) for name, value in values.items()}


def _by_unit(symbol: str, units: range, values: Array) -> dict[str, float]:
    return {f"{symbol}{j}": value for j, value in zip(units, values, strict=True)}


def _passed(passed: Forward, units: list[range], prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for k, (net, y) in enumerate(zip(passed.nets, passed.ys, strict=True), start=1):
        found |= _by_unit(f"{prefix}net", units[k], net) | _by_unit(f"{prefix}y", units[k], y)
        if k < len(passed.nets):
            found |= {f"m{j}·y{j}": fed for j, fed in zip(units[k], passed.fed[k], strict=True)}
    return found


def _outputs(passed: Forward, units: list[range], prefix: str) -> dict[str, float]:
    return _by_unit(f"{prefix}y", units[-1], passed.ys[-1]) | {f"{prefix}E": passed.error}


def largest_difference(ours: dict[str, float], theirs: dict[str, float]) -> float:
    return max(abs(value - theirs[name]) for name, value in ours.items())


def finite(values: dict[str, float]) -> bool:
    return all(math.isfinite(value) for value in values.values())
