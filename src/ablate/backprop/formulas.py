"""Every value of a step and its formula in numbers, in the order in which one would work it out on paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from ablate.backprop.delta_rule import Array, Forward, Network, Step, sigmoid

SLOT = re.compile(r"{(?P<factor>\(?)(?P<minus>-?)(?P<name>\w+)\)?}")  # of a formula, to be `filled`
BREAK = "¦"  # where a formula may go on in another line
# f(net) and f′(net).
ACTIVATIONS = {
    "sigmoid": ("1/(1 + e^{-net})", "{y}·(1 − {y})"),
    "tanh": ("tanh({net})", "(1 − {(y)}²)"),
    "relu": ("max(0, {net})", "[{net} > 0]"),
    "gelu": ("{(net)}·Φ({net})", "(Φ({net}) + {(net)}·φ({net}))"),
    "linear": ("{net}", "1"),
    "softmax": ("e^{net}/Σ e^{net}", ""),
}
# The size of a weight, the pull on it, and what there is to say of that.
PENALTIES = {
    "l1": ("|{w}|", "−{rate}·{strength}·sign({w})", "L1 pulls by −η·λ·sign(w), the same for every size of w"),
    "l2": ("{(w)}²", "−{rate}·2·{strength}·{(w)}", "L2 pulls by −η·2λ·w, in proportion to w"),
}


class Weight(NamedTuple):
    """A weight, named after the units that it joins: w13; or a bias. fed: what its source passes on, of a bias None."""

    name: str
    fed: float | None
    value: float
    gradient: float
    new: float
    pulls: dict[str, float]


class Unit(NamedTuple):
    """A unit, and the weights that lead to it, a bias last. An input has y, which is x, and nothing else.

    mask: dropout's m, or None where nothing is dropped.
    """

    number: int
    y: float
    net: float = 0.0
    delta: float = 0.0
    mask: float | None = None
    weights: Sequence[Weight] = ()


class Line(NamedTuple):
    """A value, and its formula with breaks."""

    name: str
    value: float
    formula: str


class Section(NamedTuple):
    title: str
    rules: list[str]
    lines: list[Line]


def units(step: Step) -> list[list[Unit]]:
    """The units of every layer, numbered from 1 on, the inputs first."""
    network, forward = step.network, step.forward
    found = [[Unit(i, x) for i, x in enumerate(step.pattern.x, start=1)]]
    for k, deltas in enumerate(step.deltas):
        first, layer = found[-1][-1].number + 1, []
        for place, delta in enumerate(deltas):
            j, weights = first + place, []
            for source, unit in enumerate(found[-1]):
                name, at = f"w{unit.number}{j}" if j < 10 else f"w{unit.number},{j}", (source, place)
                old, gradient, new = (of[k][at] for of in (network.weights, step.gradients, step.new.weights))
                pulls = {penalty: pull[at] for penalty, pull in step.pulls[k].items()}
                weights.append(Weight(name, forward.fed[k][source], old, gradient, new, pulls))
            if network.biases:
                weights.append(Weight(f"b{j}", None, network.biases[k][place], -delta, step.new.biases[k][place], {}))
            mask = step.masks[k][place] if k < len(step.masks) else None
            layer.append(Unit(j, forward.ys[k][place], forward.nets[k][place], delta, mask, weights))
        found.append(layer)
    return found


def number(value: float, digits: int = 6) -> str:
    """So many digits, with a minus sign as in print."""
    text = f"{value + 0.0:.{digits}g}"  # + 0.0: never −0
    if 1e-6 <= abs(value) < 1e-4:
        text = f"{Decimal(text):f}"  # 0.00006, not 6e-05
    return text.replace("-", "−")


def filled(formula: str, **values: float) -> str:
    """A formula in numbers: {net} as it is, {-net} with the other sign, {(net)} in parentheses where it is negative."""

    def text(slot: re.Match[str]) -> str:
        value = values[slot["name"]]
        found = number(-value if slot["minus"] else value)
        return f"({found})" if slot["factor"] and found.startswith("−") else found

    return SLOT.sub(text, formula)


def symbols(formula: str) -> str:
    """A formula without numbers."""
    return SLOT.sub(lambda slot: slot["minus"].replace("-", "−") + slot["name"], formula)


def total(terms: Sequence[str]) -> str:
    """A sum, with breaks between its terms; what begins with a minus is subtracted."""
    first, *others = terms
    return first + "".join(BREAK + (f" − {term[1:]}" if term.startswith("−") else f" + {term}") for term in others)


def grouped(terms: Sequence[str]) -> str:
    """A sum in parentheses, if it has several terms."""
    return f"({total(terms)})" if len(terms) > 1 else total(terms)


def products(pairs: Sequence[tuple[float, float]]) -> list[str]:
    """The terms of Σ left·right."""
    product = "{left}·{(right)}" if len(pairs) > 1 else "{(left)}·{(right)}"  # a lone one may itself be a factor
    return [filled(product, left=left, right=right) for left, right in pairs]


def output(name: str, nets: Array, place: int) -> str:
    """y = f(net) of the unit at `place` of its layer."""
    if name == "softmax":
        return filled("e^{net}/", net=nets[place]) + grouped([filled("e^{net}", net=net) for net in nets])
    return filled(ACTIVATIONS[name][0], net=nets[place])


def error_symbols(network: Network) -> str:
    if network.loss == "squared":
        return "½Σ(t − y)²"
    return "−Σ t·ln y" if network.output == "softmax" else "−Σ (t·ln y + (1 − t)·ln(1 − y))"


def error(network: Network, passed: Forward, target: Array) -> str:
    """E of the output units. Of a cross-entropy, the terms that are not 0."""
    pairs = list(zip(target, passed.ys[-1], strict=True))
    if network.loss == "squared":
        return "½·" + grouped([filled("({t} − {(y)})²", t=t, y=y) for t, y in pairs])
    if network.output == "sigmoid":
        others = sigmoid(-passed.nets[-1])  # 1 − y, to six digits also where y is all but 1
        pairs = [pair for (t, y), other in zip(pairs, others, strict=True) for pair in ((t, y), (1 - t, other))]
    return "−" + grouped([filled("{share}·ln {y}", share=share, y=y) for share, y in pairs if share])


def sections(step: Step) -> list[Section]:
    """The whole of a step."""
    layers = units(step)
    before = [_forward(step, layers), _error(step, layers), _deltas(step, layers)]
    return [*before, *_learning(step, layers), _after(step, layers)]


def values(found: list[Section]) -> Array:
    """The values of all lines."""
    return np.array([line.value for section in found for line in section.lines])


def _forward(step: Step, layers: list[list[Unit]]) -> Section:
    network = step.network
    kinds = {"hidden ": network.activation, "output ": network.output}
    if len(network.weights) == 1 or network.activation == network.output:
        kinds = {"": network.output}
    net = "net = Σ w·y + b" if network.biases else "net = Σ w·y"
    rules = ["; ".join([net, *(f"{kind}y = {symbols(ACTIVATIONS[name][0])}" for kind, name in kinds.items())])]
    if step.masks:
        rule = "dropout: a hidden unit passes on m·y, m = 0 with p = {p}, else 1/(1 − {p})"
        rules.append(filled(rule, p=step.regularizer.dropout))
    lines: list[Line] = []
    for layer, name, nets in zip(layers[1:], network.activations, step.forward.nets, strict=True):
        sums, ys = [], []
        for place, unit in enumerate(layer):
            terms = products([(w.fed, w.value) for w in unit.weights if w.fed is not None])
            terms += [number(w.value) for w in unit.weights if w.fed is None]
            sums.append(Line(f"net{unit.number}", unit.net, total(terms)))
            ys.append(Line(f"y{unit.number}", unit.y, output(name, nets, place)))
        # Softmax wants all nets of its layer; elsewhere a unit is done with before the next.
        lines += [*sums, *ys] if name == "softmax" else chain(*zip(sums, ys, strict=True))
        for j, m, y in [(unit.number, unit.mask, unit.y) for unit in layer if unit.mask is not None]:
            lines.append(Line(f"m{j}·y{j}", m * y, filled("{m}·{(y)}", m=m, y=y)))
    return Section("Forward", rules, lines)


def _error(step: Step, layers: list[list[Unit]]) -> Section:
    rules = [f"E = {error_symbols(step.network)}"]
    lines = [Line("E", step.forward.error, error(step.network, step.forward, step.pattern.target))]
    weights = [weight for unit in chain(*layers) for weight in unit.weights]
    for name, strength in step.regularizer.penalised.items():
        size = PENALTIES[name][0]
        rules.append(f"{name.upper()} = {number(strength)}·Σ{symbols(size)}")
        sizes = [filled(size, w=weight.value) for weight in weights if name in weight.pulls]
        formula = f"{number(strength)}·{grouped(sizes)}" if sizes else "0"
        lines.append(Line(name.upper(), step.penalties[name], formula))
    if len(lines) > 1:
        rules.append("objective = E + " + " + ".join(line.name for line in lines[1:]))
        objective = step.forward.error + sum(step.penalties.values())
        lines.append(Line("objective", objective, total([number(line.value) for line in lines])))
    return Section("Error before the update", ["; ".join(rules)], lines)


def _deltas(step: Step, layers: list[list[Unit]]) -> Section:
    lines, (hidden, out) = [], (ACTIVATIONS[of][1] for of in (step.network.activation, step.network.output))
    formula, rule = "{t} − {(y)}", "t − y"
    if step.network.loss == "squared":
        formula, rule = f"{out}{BREAK}·({{t}} − {{(y)}})", f"{symbols(out)}·(t − y)"
    rules = [f"output: δ = {rule}"]
    for unit, t in zip(layers[-1], step.pattern.target, strict=True):
        lines.append(Line(f"δ{unit.number}", unit.delta, filled(formula, net=unit.net, y=unit.y, t=t)))
    if len(layers) > 2:
        m = "m·" if step.masks else ""
        rules.append(f"hidden: δ = {m}{symbols(hidden)}·Σ w·δ, with w from before the update")
    for following, layer in pairwise(reversed(layers[1:])):
        for place, unit in enumerate(layer):
            formula = hidden if unit.mask is None else "{m}·" + hidden
            slope = filled(formula, net=unit.net, y=unit.y, m=unit.mask or 0.0)
            back = grouped(products([(other.weights[place].value, other.delta) for other in following]))
            lines.append(Line(f"δ{unit.number}", unit.delta, f"{slope}{BREAK}·{back}"))
    return Section("Deltas", rules, lines)


def _learning(step: Step, layers: list[list[Unit]]) -> tuple[Section, Section]:
    """The gradients and the updates of all weights and biases, from the output back."""
    gradients, updates, strengths = [], [], step.regularizer.penalised
    for delta, weight in ((unit.delta, weight) for unit in chain(*reversed(layers)) for weight in unit.weights):
        given = {"δ": delta, "y": weight.fed or 0.0, "rate": step.rate, "w": weight.value}
        product = "{(δ)}" if weight.fed is None else f"{{(δ)}}{BREAK}·{{(y)}}"
        gradients.append(Line(f"∂E/∂{weight.name}", weight.gradient, filled(f"−{product}", **given)))
        changes = [Line(f"Δ{weight.name}", -step.rate * weight.gradient, filled(f"{{rate}}·{product}", **given))]
        for name, pull in weight.pulls.items():
            formula = filled(PENALTIES[name][1], strength=strengths[name], **given)
            changes.append(Line(f"{name.upper()} {weight.name}", pull, formula))
        new = total([number(value) for value in (weight.value, *(line.value for line in changes))])
        updates += [*changes, Line(f"new {weight.name}", weight.new, new)]
    biases = bool(step.network.biases)
    rule = f"∂E/∂w = −δ·y, δ where the weight leads to, y where it comes from{'; ∂E/∂b = −δ' * biases}"
    rules = [f"Δw = η·δ·y{'; Δb = η·δ' * biases}; new w = w + Δw", *(PENALTIES[name][2] for name in strengths)]
    return Section("Gradients", [rule], gradients), Section("Updates and new weights", rules, updates)


def _after(step: Step, layers: list[list[Unit]]) -> Section:
    """The outputs and E with the new weights, and with dropout also with the old ones: both with all units."""
    passes, rules, lines = {"new ": step.after}, [], []
    if step.masks:
        passes = {"all ": step.before, **passes}
        rules = ["all: the old weights; new: the new ones; nothing is dropped any more"]
    for prefix, passed in passes.items():
        for place, (unit, y) in enumerate(zip(layers[-1], passed.ys[-1], strict=True)):
            lines.append(Line(f"{prefix}y{unit.number}", y, output(step.network.output, passed.nets[-1], place)))
        lines.append(Line(f"{prefix}E", passed.error, error(step.network, passed, step.pattern.target)))
    return Section("Error after the update", rules, lines)
