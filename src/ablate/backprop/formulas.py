"""Every value of a step and its formula in numbers, in the order in which one would work it out on paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import numpy as np

from ablate.backprop.delta_rule import Array, Arrays, Forward, Network, Step, sigmoid

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


def numbered(network: Network) -> list[range]:
    """The numbers of every layer's units, from 1 on, the inputs first."""
    return [range(*pair) for pair in pairwise(accumulate(network.sizes, initial=1))]


def joint(i: int, j: int) -> str:
    """The name of the weight that leads from unit i to unit j."""
    return f"w{i}{',' * (j > 9)}{j}"


def named(network: Network, weights: Arrays, biases: Arrays = ()) -> dict[str, float]:
    """What there is of each weight, or of those of the first layers; a unit's bias, b3, follows the unit's weights."""
    found: dict[str, float] = {}
    for k, (values, (sources, targets)) in enumerate(zip(weights, pairwise(numbered(network)), strict=False)):
        for place, j in enumerate(targets):
            found |= {joint(i, j): value for i, value in zip(sources, values[:, place], strict=True)}
            if biases:
                found[f"b{j}"] = biases[k][place]
    return found


def number(value: float, digits: int = 6) -> str:
    """So many digits, with a minus sign as in print."""
    text = f"{value + 0.0:.{digits}g}"  # + 0.0: never −0
    if 1e-6 <= abs(value) < 1e-4:
        text = f"{Decimal(text):f}"  # 0.00006, not 6e-05
    return text.replace("-", "−")


def filled(formula: str, **values: float) -> str:
    """A formula in numbers: {net} as it is, for the rest see `Number`."""
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


def products(lefts: Array, rights: Array) -> list[str]:
    """The terms of Σ left·right."""
    product = "{left}·{right:()}" if len(lefts) > 1 else "{left:()}·{right:()}"  # a lone one may itself be a factor
    return [filled(product, left=left, right=right) for left, right in zip(lefts, rights, strict=True)]


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
    return [_forward(step), _error(step), _deltas(step), *_learning(step), _after(step)]


def _forward(step: Step) -> Section:
    network, lines = step.network, list[Line]()
    kinds = {"hidden ": network.activation, "output ": network.output}
    if len(network.weights) == 1 or network.activation == network.output:
        kinds = {"": network.output}
    said = [f"{kind}y = {symbols(ACTIVATIONS[name][0])}" for kind, name in kinds.items()]
    rules = ["; ".join(["net = Σ w·y" + " + b" * bool(network.biases), *said])]
    if step.masks:
        rule = "dropout: a hidden unit passes on m·y, m = 0 with p = {p}, else 1/(1 − {p})"
        rules.append(filled(rule, p=step.regularizer.dropout))
    fed, nets, ys, _ = step.forward
    for k, (numbers, name) in enumerate(zip(numbered(network)[1:], network.activations, strict=True)):
        sums = []
        for place, j in enumerate(numbers):
            terms = products(fed[k], network.weights[k][:, place])
            terms += [number(bias[place]) for bias in network.biases[k : k + 1]]
            sums.append(Line(f"net{j}", nets[k][place], total(terms)))
        found = [Line(f"y{j}", y, text) for j, y, text in zip(numbers, ys[k], outputs(name, nets[k]), strict=True)]
        # Softmax wants all nets of its layer; elsewhere a unit is done with before the next.
        lines += [*sums, *found] if name == "softmax" else chain(*zip(sums, found, strict=True))
        for mask in step.masks[k : k + 1]:
            for j, m, y in zip(numbers, mask, ys[k], strict=True):
                lines.append(Line(f"m{j}·y{j}", m * y, filled("{m}·{y:()}", m=m, y=y)))
    return Section("Forward", rules, lines)


def _error(step: Step) -> Section:
    rules = [f"E = {error_symbols(step.network)}"]
    lines = [Line("E", step.forward.error, error(step.network, step.forward, step.pattern.target))]
    penalised = named(step.network, step.regularizer.penalised(step.network.weights)).values()
    for name, strength in step.regularizer.strengths.items():
        size, factor = PENALTIES[name][0], number(strength)
        rules.append(f"{name.upper()} = {factor}·Σ{symbols(size)}")
        formula = f"{factor}·{grouped([filled(size, w=w) for w in penalised])}" if penalised else "0"
        lines.append(Line(name.upper(), step.penalties[name], formula))
    if len(lines) > 1:
        rules.append("objective = " + " + ".join(line.name for line in lines))
        lines.append(Line("objective", step.objective, total(number(line.value) for line in lines)))
    return Section("Error before the update", ["; ".join(rules)], lines)


def _deltas(step: Step) -> Section:
    network, numbers, (_, nets, ys, _) = step.network, numbered(step.network), step.forward
    hidden, output = (ACTIVATIONS[name][1] for name in (network.activation, network.output))
    formula = f"{output}{BREAK}·({{t}} − {{y:()}})" if network.loss == "squared" else "{t} − {y:()}"
    rules = [f"output: δ = {symbols(formula)}"]
    if step.masks:
        hidden = "{m}·" + hidden
    if len(nets) > 1:
        rules.append(f"hidden: δ = {symbols(hidden)}·Σ w·δ, with w from before the update")
    rows = zip(numbers[-1], step.deltas[-1], nets[-1], ys[-1], step.pattern.target, strict=True)
    lines = [Line(f"δ{j}", delta, filled(formula, net=net, y=y, t=t)) for j, delta, net, y, t in rows]
    for k in reversed(range(len(nets) - 1)):
        masks = step.masks[k] if step.masks else np.ones_like(ys[k])
        rows = zip(numbers[k + 1], step.deltas[k], nets[k], ys[k], masks, strict=True)
        for weights, (j, delta, net, y, m) in zip(network.weights[k + 1], rows, strict=True):
            back = grouped(products(weights, step.deltas[k + 1]))
            lines.append(Line(f"δ{j}", delta, f"{filled(hidden, net=net, y=y, m=m)}{BREAK}·{back}"))
    return Section("Deltas", rules, lines)


def _learning(step: Step) -> tuple[Section, Section]:
    """The gradients and the updates of all weights and biases, from the output back."""
    network, numbers, strengths = step.network, numbered(step.network), step.regularizer.strengths
    old, new = (named(network, of.weights, of.biases) for of in (network, step.new))
    slopes = named(network, step.gradients, [-delta for delta in step.deltas[: len(network.biases)]])
    pulls = {penalty: named(network, arrays) for penalty, arrays in step.pulls.items()}
    formulas = {}
    for k in reversed(range(len(step.deltas))):
        for j, delta in zip(numbers[k + 1], step.deltas[k], strict=True):
            for i, y in zip(numbers[k], step.forward.fed[k], strict=True):
                formulas[joint(i, j)] = filled(f"{{δ:()}}{BREAK}·{{y:()}}", δ=delta, y=y)
            if network.biases:
                formulas[f"b{j}"] = filled("{δ:()}", δ=delta)
    gradients, updates = [], []
    for name, product in formulas.items():
        gradients.append(Line(f"∂E/∂{name}", slopes[name], f"−{product}"))
        changes = [Line(f"Δ{name}", -step.rate * slopes[name], f"{number(step.rate)}·{product}")]
        for penalty, pull in pulls.items():
            if name in pull:
                formula = filled(PENALTIES[penalty][1], rate=step.rate, strength=strengths[penalty], w=old[name])
                changes.append(Line(f"{penalty.upper()} {name}", pull[name], formula))
        sums = total(number(value) for value in (old[name], *(line.value for line in changes)))
        updates += [*changes, Line(f"new {name}", new[name], sums)]
    biases = bool(network.biases)
    rule = "∂E/∂w = −δ·y, δ where the weight leads to, y where it comes from" + "; ∂E/∂b = −δ" * biases
    rules = [f"Δw = η·δ·y{'; Δb = η·δ' * biases}; new w = w + Δw", *(PENALTIES[name][2] for name in strengths)]
    return Section("Gradients", [rule], gradients), Section("Updates and new weights", rules, updates)


def _after(step: Step) -> Section:
    """The outputs and E with the new weights, and with dropout also with the old ones: both with all units."""
    passes, rules, lines = {"new ": step.after}, [], []
    if step.masks:
        passes = {"all ": step.before, **passes}
        rules = ["all: the old weights; new: the new ones; nothing is dropped any more"]
    for prefix, passed in passes.items():
        formulas = outputs(step.network.output, passed.nets[-1])
        rows = zip(numbered(step.network)[-1], passed.ys[-1], formulas, strict=True)
        lines += [Line(f"{prefix}y{j}", y, formula) for j, y, formula in rows]
        lines.append(Line(f"{prefix}E", passed.error, error(step.network, passed, step.pattern.target)))
    return Section("Error after the update", rules, lines)
