"""Every value of a step and its formula in numbers, in the order in which one would work it out on paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain, pairwise
from typing import NamedTuple

from ablate.backprop.delta_rule import Array, Forward, Network, Step, sigmoid

BREAK = "¦"  # where a formula may go on in another line
# f(net) and f′(net), to be `filled`.
ACTIVATIONS = {
    "sigmoid": ("1/(1 + e^{net:−})", "{y}·(1 − {y})"),
    "tanh": ("tanh({net})", "(1 − {y:()}²)"),
    "relu": ("max(0, {net})", "[{net} > 0]"),
    "gelu": ("{net:()}·Φ({net})", "(Φ({net}) + {net:()}·φ({net}))"),
    "linear": ("{net}", "1"),
    "softmax": ("e^{net}/Σ e^{net}", ""),
}
# The size of a weight, the pull on it, and what there is to say of that.
PENALTIES = {
    "l1": ("|{w}|", "−{rate}·{strength}·sign({w})", "L1 pulls by −η·λ·sign(w), the same for every size of w"),
    "l2": ("{w:()}²", "−{rate}·2·{strength}·{w:()}", "L2 pulls by −η·2λ·w, in proportion to w"),
}


class Weight(NamedTuple):
    """A weight, named after the units that it joins: w13; or a bias."""

    name: str
    fed: float | None  # what its source passes on; of a bias None
    value: float
    gradient: float
    new: float
    pulls: dict[str, float]


class Unit(NamedTuple):
    """A unit. An input has y, which is x, and nothing else."""

    number: int
    y: float
    net: float = 0.0
    delta: float = 0.0
    mask: float | None = None  # dropout's m; None where nothing is dropped
    weights: Sequence[Weight] = ()  # that lead to it, a bias last


class Line(NamedTuple):
    """A value, and its formula with breaks."""

    name: str
    value: float
    formula: str


class Section(NamedTuple):
    title: str
    rules: list[str]
    lines: list[Line]


class Number(float):
    """A number in a formula: `{:−}` has the other sign, `{:()}` parentheses if it is negative."""

    def __format__(self, how: str) -> str:
        text = number(-self if how == "−" else self)
        return f"({text})" if how == "()" and text.startswith("−") else text


def units(step: Step) -> list[list[Unit]]:
    """The units of every layer, numbered from 1 on, the inputs first."""
    network, forward = step.network, step.forward
    found = [[Unit(i, x) for i, x in enumerate(step.pattern.x, start=1)]]
    for k, deltas in enumerate(step.deltas):
        layer: list[Unit] = []
        pulls = {name: pull[k] for name, pull in step.pulls.items() if k < len(pull)}
        for place, delta in enumerate(deltas):
            j, weights = found[-1][-1].number + 1 + place, []
            for source, unit in enumerate(found[-1]):
                name, at = f"w{unit.number}{',' * (j > 9)}{j}", (source, place)
                old, gradient, new = (values[k][at] for values in (network.weights, step.gradients, step.new.weights))
                pulled = {penalty: pull[at] for penalty, pull in pulls.items()}
                weights.append(Weight(name, forward.fed[k][source], old, gradient, new, pulled))
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
    return formula.format(**{name: Number(value) for name, value in values.items()})


def symbols(formula: str) -> str:
    """A formula without numbers and breaks."""
    return re.sub(r"{(\w+):?(−?).*?}", r"\2\1", formula).replace(BREAK, "")


def total(terms: Iterable[str]) -> str:
    """A sum, with breaks between its terms; what begins with a minus is subtracted."""
    return f"{BREAK} + ".join(terms).replace(" + −", " − ")


def grouped(terms: Sequence[str]) -> str:
    """A sum in parentheses, if it has several terms."""
    return f"({total(terms)})" if len(terms) > 1 else terms[0]


def products(pairs: Sequence[tuple[float, float]]) -> list[str]:
    """The terms of Σ left·right."""
    product = "{left}·{right:()}" if len(pairs) > 1 else "{left:()}·{right:()}"  # a lone one may itself be a factor
    return [filled(product, left=left, right=right) for left, right in pairs]


def outputs(name: str, nets: Array) -> list[str]:
    """y = f(net) of the units of a layer."""
    if name == "softmax":
        powers = [filled("e^{net}", net=net) for net in nets]
        return [f"{power}/{grouped(powers)}" for power in powers]
    return [filled(ACTIVATIONS[name][0], net=net) for net in nets]


def error_symbols(network: Network) -> str:
    if network.loss == "squared":
        return "½Σ(t − y)²"
    return "−Σ t·ln y" if network.output == "softmax" else "−Σ (t·ln y + (1 − t)·ln(1 − y))"


def error(network: Network, passed: Forward, target: Array) -> str:
    """E of the output units. Of a cross-entropy, the terms that are not 0."""
    pairs = list(zip(target, passed.ys[-1], strict=True))
    if network.loss == "squared":
        return "½·" + grouped([filled("({t} − {y:()})²", t=t, y=y) for t, y in pairs])
    if network.output == "sigmoid":
        others = sigmoid(-passed.nets[-1])  # 1 − y, to six digits also where y is all but 1
        pairs = [pair for (t, y), other in zip(pairs, others, strict=True) for pair in ((t, y), (1 - t, other))]
    return "−" + grouped([filled("{share}·ln {y}", share=share, y=y) for share, y in pairs if share])


def sections(step: Step) -> list[Section]:
    """The whole of a step."""
    layers = units(step)
    before = [_forward(step, layers), _error(step, layers), _deltas(step, layers)]
    return [*before, *_learning(step, layers), _after(step, layers)]


def _forward(step: Step, layers: list[list[Unit]]) -> Section:
    network, lines = step.network, list[Line]()
    kinds = {"hidden ": network.activation, "output ": network.output}
    if len(layers) == 2 or network.activation == network.output:
        kinds = {"": network.output}
    kinds_of_y = [f"{kind}y = {symbols(ACTIVATIONS[name][0])}" for kind, name in kinds.items()]
    rules = ["; ".join(["net = Σ w·y" + " + b" * bool(network.biases), *kinds_of_y])]
    if step.masks:
        rule = "dropout: a hidden unit passes on m·y, m = 0 with p = {p}, else 1/(1 − {p})"
        rules.append(filled(rule, p=step.regularizer.dropout))
    for layer, name, nets in zip(layers[1:], network.activations, step.forward.nets, strict=True):
        sums, ys = [], []
        for unit, formula in zip(layer, outputs(name, nets), strict=True):
            terms = products([(w.fed, w.value) for w in unit.weights if w.fed is not None])
            terms += [number(w.value) for w in unit.weights if w.fed is None]
            sums.append(Line(f"net{unit.number}", unit.net, total(terms)))
            ys.append(Line(f"y{unit.number}", unit.y, formula))
        # Softmax wants all nets of its layer; elsewhere a unit is done with before the next.
        lines += [*sums, *ys] if name == "softmax" else chain(*zip(sums, ys, strict=True))
        for j, m, y in [(unit.number, unit.mask, unit.y) for unit in layer if unit.mask is not None]:
            lines.append(Line(f"m{j}·y{j}", m * y, filled("{m}·{y:()}", m=m, y=y)))
    return Section("Forward", rules, lines)


def _error(step: Step, layers: list[list[Unit]]) -> Section:
    rules = [f"E = {error_symbols(step.network)}"]
    lines = [Line("E", step.forward.error, error(step.network, step.forward, step.pattern.target))]
    weights = [weight for unit in chain(*layers) for weight in unit.weights]
    for name, strength in step.regularizer.strengths.items():
        size, factor = PENALTIES[name][0], number(strength)
        rules.append(f"{name.upper()} = {factor}·Σ{symbols(size)}")
        sizes = [filled(size, w=weight.value) for weight in weights if name in weight.pulls]
        lines.append(Line(name.upper(), step.penalties[name], f"{factor}·{grouped(sizes)}" if sizes else "0"))
    if len(lines) > 1:
        rules.append("objective = " + " + ".join(line.name for line in lines))
        lines.append(Line("objective", step.objective, total(number(line.value) for line in lines)))
    return Section("Error before the update", ["; ".join(rules)], lines)


def _deltas(step: Step, layers: list[list[Unit]]) -> Section:
    hidden, output = (ACTIVATIONS[name][1] for name in (step.network.activation, step.network.output))
    formula = f"{output}{BREAK}·({{t}} − {{y:()}})" if step.network.loss == "squared" else "{t} − {y:()}"
    rules = [f"output: δ = {symbols(formula)}"]
    if step.masks:
        hidden = "{m}·" + hidden
    if len(layers) > 2:
        rules.append(f"hidden: δ = {symbols(hidden)}·Σ w·δ, with w from before the update")
    lines = [
        Line(f"δ{unit.number}", unit.delta, filled(formula, net=unit.net, y=unit.y, t=t))
        for unit, t in zip(layers[-1], step.pattern.target, strict=True)
    ]
    for following, layer in pairwise(reversed(layers[1:])):
        for place, unit in enumerate(layer):
            slope = filled(hidden, net=unit.net, y=unit.y, m=unit.mask or 0.0)
            back = grouped(products([(other.weights[place].value, other.delta) for other in following]))
            lines.append(Line(f"δ{unit.number}", unit.delta, f"{slope}{BREAK}·{back}"))
    return Section("Deltas", rules, lines)


def _learning(step: Step, layers: list[list[Unit]]) -> tuple[Section, Section]:
    """The gradients and the updates of all weights and biases, from the output back."""
    gradients, updates, strengths = [], [], step.regularizer.strengths
    for delta, weight in ((unit.delta, weight) for unit in chain(*reversed(layers)) for weight in unit.weights):
        product = filled("{δ:()}", δ=delta)
        if weight.fed is not None:
            product += filled("¦·{y:()}", y=weight.fed)
        gradients.append(Line(f"∂E/∂{weight.name}", weight.gradient, f"−{product}"))
        changes = [Line(f"Δ{weight.name}", -step.rate * weight.gradient, f"{number(step.rate)}·{product}")]
        for name, pull in weight.pulls.items():
            formula = filled(PENALTIES[name][1], rate=step.rate, strength=strengths[name], w=weight.value)
            changes.append(Line(f"{name.upper()} {weight.name}", pull, formula))
        new = total(number(value) for value in (weight.value, *(line.value for line in changes)))
        updates += [*changes, Line(f"new {weight.name}", weight.new, new)]
    biases = bool(step.network.biases)
    rule = "∂E/∂w = −δ·y, δ where the weight leads to, y where it comes from" + "; ∂E/∂b = −δ" * biases
    rules = [f"Δw = η·δ·y{'; Δb = η·δ' * biases}; new w = w + Δw", *(PENALTIES[name][2] for name in strengths)]
    return Section("Gradients", [rule], gradients), Section("Updates and new weights", rules, updates)


def _after(step: Step, layers: list[list[Unit]]) -> Section:
    """The outputs and E with the new weights, and with dropout also with the old ones: both with all units."""
    passes, rules, lines = {"new ": step.after}, [], []
    if step.masks:
        passes = {"all ": step.before, **passes}
        rules = ["all: the old weights; new: the new ones; nothing is dropped any more"]
    for prefix, passed in passes.items():
        formulas = outputs(step.network.output, passed.nets[-1])
        for unit, y, formula in zip(layers[-1], passed.ys[-1], formulas, strict=True):
            lines.append(Line(f"{prefix}y{unit.number}", y, formula))
        lines.append(Line(f"{prefix}E", passed.error, error(step.network, passed, step.pattern.target)))
    return Section("Error after the update", rules, lines)
