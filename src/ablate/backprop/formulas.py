"""Formulas with numbers in them, as parts between which a line may break."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ablate.backprop.delta_rule import Array, Forward, Network, sigmoid

# f(net) and f′(net). {minus} is −net; {of} is net or y, in parentheses where it is negative.
FUNCTIONS = {
    "sigmoid": ("1/(1 + e^{minus})", "{y}·(1 − {y})"),
    "tanh": ("tanh({net})", "(1 − {of}²)"),
    "relu": ("max(0, {net})", "[{net} > 0]"),
    "gelu": ("{of}·Φ({net})", "(Φ({net}) + {of}·φ({net}))"),
    "linear": ("{net}", "1"),
    "softmax": ("e^{net}/Σ e^{net}", ""),
}


def number(value: float) -> str:
    """Six digits, with a minus sign as in print."""
    return _printed(value, 6)


def short(value: float) -> str:
    """Four digits."""
    return _printed(value, 4)


def _printed(value: float, digits: int) -> str:
    text = f"{value + 0.0:.{digits}g}"  # + 0.0: never −0
    if 1e-6 <= abs(value) < 1e-4:
        text = f"{Decimal(text):f}"  # 0.00006, not 6e-05
    return text.replace("-", "−")


def factor(value: float) -> str:
    """A number with something before it: in parentheses where it is negative."""
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def terms(parts: Sequence[str]) -> list[str]:
    """A sum; what begins with a minus is subtracted."""
    return [parts[0], *(f" − {part[1:]}" if part.startswith("−") else f" + {part}" for part in parts[1:])]


def around(before: str, parts: Sequence[str]) -> list[str]:
    """`before` times a sum; the sum is in parentheses where it has several parts."""
    if len(parts) == 1:
        return [f"{before}{parts[0]}"]
    return [f"{before}({parts[0]}", *parts[1:-1], f"{parts[-1]})"]


def products(left: Array, right: Array) -> list[str]:
    """Σ left·right."""
    first = number if len(left) > 1 else factor  # a lone product may itself be a factor
    return terms([f"{first(a)}·{factor(b)}" for a, b in zip(left, right, strict=True)])


def symbols(name: str) -> tuple[str, str]:
    """f and f′ of an activation in symbols."""
    of = {"gelu": "net", "tanh": "y"}.get(name, "")
    f, slope = (text.format(net="net", minus="−net", y="y", of=of) for text in FUNCTIONS[name])
    return f, slope


def value(name: str, nets: Array, place: int) -> list[str]:
    """f of the unit at `place` of its layer."""
    net = nets[place]
    if name == "softmax":
        return around(f"e^{number(net)}/", terms([f"e^{number(other)}" for other in nets]))
    return [FUNCTIONS[name][0].format(net=number(net), minus=number(-net), of=factor(net))]


def slope(name: str, net: float, y: float) -> str:
    """f′ of a unit."""
    return FUNCTIONS[name][1].format(net=number(net), y=number(y), of=factor(y if name == "tanh" else net))


def error_symbols(network: Network) -> str:
    if network.loss == "squared":
        return "½Σ(t − y)²"
    return "−Σ t·ln y" if network.output == "softmax" else "−Σ (t·ln y + (1 − t)·ln(1 − y))"


def error(network: Network, passed: Forward, target: Array) -> list[str]:
    """E of the output units. Of a cross-entropy, the terms that are not 0."""
    pairs = list(zip(target, passed.ys[-1], strict=True))
    if network.loss == "squared":
        return around("½·", terms([f"({number(t)} − {factor(y)})²" for t, y in pairs]))
    logs = [(t, number(y)) for t, y in pairs]
    if network.output == "sigmoid":
        others = sigmoid(-passed.nets[-1])  # 1 − y, to six digits also where y is all but 1
        logs = [pair for (t, y), other in zip(logs, others, strict=True) for pair in ((t, y), (1 - t, number(other)))]
    return around("−", terms([f"{number(share)}·ln {of}" for share, of in logs if share]))
