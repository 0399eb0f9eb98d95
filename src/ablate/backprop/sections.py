"""Every value of a step and its formula, in the order in which one would work it out on paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ablate.backprop import formulas
from ablate.backprop.delta_rule import Network, Pattern, Penalty, Step
from ablate.backprop.formulas import around, factor, number, products, terms
from ablate.backprop.naming import numbers, parameters

FIGURES = {"l1": "|{}|", "l2": "{}²"}


class Line(NamedTuple):
    """A value's name, as in `naming.named`, and its formula in parts between which it may break."""

    name: str
    parts: list[str]


class Section(NamedTuple):
    title: str
    rules: list[str]
    lines: list[Line]


class Setting(NamedTuple):
    """What is the same in every update. dropout: p."""

    pattern: Pattern
    rate: float
    penalty: Penalty
    dropout: float


def sections(step: Step, setting: Setting) -> list[Section]:
    """The whole of a step."""
    parts = (_forward(step, setting), _error(step, setting), _deltas(step, setting), _gradients(step))
    return [*parts, _updates(step, setting), _after(step, setting)]


def activation(network: Network, layer: int) -> str:
    """What the units behind a layer of weights have."""
    return network.output if layer == len(network.weights) - 1 else network.activation


def _kinds(network: Network) -> list[tuple[str, str]]:
    """Which units have which activation."""
    if len(network.weights) == 1 or network.activation == network.output:
        return [("", network.output)]
    return [("hidden ", network.activation), ("output ", network.output)]


def _forward(step: Step, setting: Setting) -> Section:
    network, units = step.network, numbers(step.network)
    net = "net = Σ w·y + b" if network.biases else "net = Σ w·y"
    rules = [f"{net}; " + "; ".join(f"{kind}y = {formulas.symbols(name)[0]}" for kind, name in _kinds(network))]
    if step.masks:
        p = setting.dropout
        rules.append(f"dropout: a hidden unit passes on m·y, m = 0 with p = {number(p)}, else 1/(1 − {number(p)})")
    lines: list[Line] = []
    for k, weights in enumerate(network.weights):
        name, pairs = activation(network, k), []
        for place, j in enumerate(units[k + 1]):
            sums = products(step.forward.fed[k], weights[:, place])
            sums += terms(["", number(network.biases[k][place])])[1:] if network.biases else []
            pairs.append((Line(f"net{j}", sums), Line(f"y{j}", formulas.value(name, step.forward.nets[k], place))))
        # Softmax wants all nets of its layer; elsewhere a unit is done with before the next.
        lines += [line for which in zip(*pairs, strict=True) for line in which] if name == "softmax" else sum(pairs, ())
        if k < len(step.masks):
            masked = zip(units[k + 1], step.masks[k], step.forward.ys[k], strict=True)
            lines += [Line(f"m{j}·y{j}", [f"{number(m)}·{factor(y)}"]) for j, m, y in masked]
    return Section("Forward", rules, lines)


def _error(step: Step, setting: Setting) -> Section:
    rules = [f"E = {formulas.error_symbols(step.network)}"]
    lines = [Line("E", formulas.error(step.network, step.forward, setting.pattern.target))]
    for name, figure in FIGURES.items():
        if strength := getattr(setting.penalty, name):
            rules.append(f"{name.upper()} = {number(strength)}·Σ{figure.format('w')}")
            lines.append(Line(name.upper(), _penalty(step, setting.penalty, figure, strength)))
    if len(lines) > 1:
        summands = [step.forward.error, *(step.penalty[line.name.lower()] for line in lines[1:])]
        rules.append("objective = E + " + " + ".join(line.name for line in lines[1:]))
        lines.append(Line("objective", terms([number(value) for value in summands])))
    return Section("Error before the update", ["; ".join(rules)], lines)


def _penalty(step: Step, penalty: Penalty, figure: str, strength: float) -> list[str]:
    """strength·Σ of the weights' figures, unit by unit."""
    kernels = step.network.weights if penalty.layers == "all" else step.network.weights[:-1]
    sizes = [figure.format(number(w) if "|" in figure else factor(w)) for kernel in kernels for w in kernel.T.flat]
    return around(f"{number(strength)}·", terms(sizes)) if sizes else ["0"]


def _deltas(step: Step, setting: Setting) -> Section:
    network, units = step.network, numbers(step.network)
    squared, last = network.loss == "squared", len(network.weights) - 1
    slopes = [formulas.symbols(name)[1] for name in (network.output, network.activation)]
    rules = [f"output: δ = {f'{slopes[0]}·(t − y)' if squared else 't − y'}"]
    lines = []
    for j, net, y, t in zip(units[-1], step.forward.nets[-1], step.forward.ys[-1], setting.pattern.target, strict=True):
        miss = f"{number(t)} − {factor(y)}"
        lines.append(Line(f"δ{j}", [formulas.slope(network.output, net, y), f"·({miss})"] if squared else [miss]))
    if last:
        rules.append(f"hidden: δ = {'m·' if step.masks else ''}{slopes[1]}·Σ w·δ, with w from before the update")
    for k in reversed(range(last)):
        for place, j in enumerate(units[k + 1]):
            of = formulas.slope(network.activation, step.forward.nets[k][place], step.forward.ys[k][place])
            mask = f"{number(step.masks[k][place])}·" if step.masks else ""
            back = products(network.weights[k + 1][place], step.deltas[k + 1])
            lines.append(Line(f"δ{j}", [mask + of, *around("·", back)]))
    return Section("Deltas", rules, lines)


def _backwards(step: Step) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every parameter, from the output back: its name, layer and place in its array."""
    for k in reversed(range(len(step.network.weights))):
        for name, where in parameters(step.network, k):
            yield name, k, where


def _gradients(step: Step) -> Section:
    lines = []
    for name, k, where in _backwards(step):
        delta = factor(step.deltas[k][where[-1]])
        fed = [f"·{factor(step.forward.fed[k][where[0]])}"] if len(where) == 2 else []
        lines.append(Line(f"∂E/∂{name}", [f"−{delta}", *fed]))
    bias = "; ∂E/∂b = −δ" if step.network.biases else ""
    return Section("Gradients", [f"∂E/∂w = −δ·y, δ where the weight leads to, y where it comes from{bias}"], lines)


def _updates(step: Step, setting: Setting) -> Section:
    rate, penalty = number(setting.rate), setting.penalty
    strengths = {name: penalty.strengths(name, len(step.network.weights)) for name in FIGURES}
    rules = [f"Δw = η·δ·y{'; Δb = η·δ' if step.network.biases else ''}; new w = w + Δw"]
    rules += ["L1 pulls by −η·λ·sign(w), the same for every size of w"] * bool(penalty.l1)
    rules += ["L2 pulls by −η·2λ·w, in proportion to w"] * bool(penalty.l2)
    lines = []
    for name, k, where in _backwards(step):
        delta, kernel = factor(step.deltas[k][where[-1]]), len(where) == 2
        old = (step.network.weights if kernel else step.network.biases)[k][where]
        change = (step.updates if kernel else step.bias_updates)[k][where]
        fed = [f"·{factor(step.forward.fed[k][where[0]])}"] if kernel else []
        lines.append(Line(f"Δ{name}", [f"{rate}·{delta}", *fed]))
        changes = [old, change]
        if kernel and (strength := strengths["l1"][k]):
            lines.append(Line(f"L1 {name}", [f"−{rate}·{number(strength)}·sign({number(old)})"]))
            changes.append(step.pulls["l1"][k][where])
        if kernel and (strength := strengths["l2"][k]):
            lines.append(Line(f"L2 {name}", [f"−{rate}·2·{number(strength)}·{factor(old)}"]))
            changes.append(step.pulls["l2"][k][where])
        lines.append(Line(f"new {name}", terms([number(value) for value in changes])))
    return Section("Updates and new weights", rules, lines)


def _after(step: Step, setting: Setting) -> Section:
    """The outputs and E with the new weights, and with dropout also with the old ones: both with all units."""
    network, units, target = step.network, numbers(step.network)[-1], setting.pattern.target
    passes = [("all ", step.before)] * bool(step.masks) + [("new ", step.after)]
    rules = ["all: the old weights; new: the new ones; nothing is dropped any more"] * bool(step.masks)
    lines = []
    for prefix, passed in passes:
        ys = [formulas.value(network.output, passed.nets[-1], place) for place in range(len(units))]
        lines += [Line(f"{prefix}y{j}", parts) for j, parts in zip(units, ys, strict=True)]
        lines.append(Line(f"{prefix}E", formulas.error(network, passed, target)))
    return Section("Error after the update", rules, lines)
