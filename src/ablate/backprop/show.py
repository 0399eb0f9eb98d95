"""A step as text: formula, value by hand, autograd's value and their difference, aligned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from textwrap import wrap

import numpy as np
from rich.console import Console
from rich.text import Text

from ablate.backprop.delta_rule import Array, Step
from ablate.backprop.formulas import BREAK, Section, error_symbols, number, units, values

NARROWEST, WIDEST = 80, 96  # columns, by what the terminal has
VALUE, DIFFERENCE = 18, 5  # columns: −0.123456789012345, 1e-17
GLUE = "\N{NO-BREAK SPACE}"
OUTPUTS = 3  # outputs in the line of a step


def exact(value: float) -> str:
    """15 decimals, or fewer where they are all; with room for a sign, so that points stand below each other."""
    value += 0.0  # never −0
    if value and not 1e-6 <= abs(value) < 10:
        text = f"{value:.10e}" if abs(value) < 1e-6 or abs(value) >= 1e14 else f"{value:.15g}"
    else:
        text = f"{value:.15f}"
        text = text.rstrip("0").rstrip(".") if text.endswith("000") else text
    return (text if text.startswith("-") else f" {text}").replace("-", "−")


def brief(value: float) -> str:
    """9 decimals, or six digits of a large number."""
    return (f"{value:.9f}" if abs(value) < 10 else f"{value:.6g}").replace("-", "−")


def difference(ours: float | Array, theirs: float | Array) -> str:
    """The largest of the absolute differences."""
    largest = np.abs(ours - theirs).max()
    return f"{largest:.0e}" if largest else "0"


class Display:
    """Prints steps on a console, without markup: what is typed by a person stays as it is."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(NARROWEST, min(console.width, WIDEST))
        self.left = self.width - 2 * VALUE - DIFFERENCE - 5  # for names and formulas

    def header(self, title: str, step: Step) -> None:
        """What is given: what the first step starts from."""
        network, regularizer, layers = step.network, step.regularizer, units(step)
        kinds = f"{network.output} everywhere"
        if network.activation != network.output:
            kinds = f"{network.activation} hidden units, " * (len(layers) > 2) + f"{network.output} output"
        shape, biases = "-".join(map(str, network.sizes)), "biases" if network.biases else "no biases"
        self._print(f"{title}: {shape}, {kinds}, {biases}", "bold")
        self._print(f"E = {error_symbols(network)}, learning rate η = {number(step.rate)}")
        targets = zip(layers[-1], step.pattern.target, strict=True)
        pattern = [f"x{unit.number} = {number(unit.y)}" for unit in layers[0]]
        pattern += [f"t{unit.number} = {number(t)}" for unit, t in targets]
        weights = [f"{weight.name} = {number(weight.value)}" for unit in chain(*layers) for weight in unit.weights]
        words = [f"{name} = {number(strength)}" for name, strength in regularizer.penalised.items()]
        words += ["on all kernels but the last"] if words and regularizer.layers == "hidden" else []
        words += [f"dropout p = {number(regularizer.dropout)}"] if regularizer.dropout else []
        for head, items in (("pattern  ", pattern), ("weights  ", weights), ("regularizer  ", words)):
            if items:  # broken only between them
                self._print(head + ", ".join(item.replace(" ", GLUE) for item in items), indent=len(head))
        self._print("Formulas show six digits; the values are worked out with all of float64.", "dim")

    def full(self, update: int, ours: list[Section], theirs: list[Section]) -> None:
        """Every line of a step."""
        if update > 1:
            self._print()
            self._print(f"Update {update}", "bold underline")
        self._print()
        heads = f"{' by hand':<{VALUE}} {' autograd':<{VALUE}} {'diff':>{DIFFERENCE}}"
        self._line(Text(" " * (self.left + 3) + heads, "dim"))
        for section, check in zip(ours, theirs, strict=True):
            self._section(section, check)
        self._print()
        found, expected = values(ours), values(theirs)
        self._print(f"{len(found)} values; largest difference from autograd {difference(found, expected)}")

    def _section(self, ours: Section, theirs: Section) -> None:
        self._print()
        self._print(ours.title, "bold")
        for rule in ours.rules:
            self._print(rule, "dim", indent=2)
        widest = max(len(line.name) for line in ours.lines)
        for (name, value, formula), (_, other, _) in zip(ours.lines, theirs.lines, strict=True):
            *above, last = self._broken(f"{name:<{widest}} = ", formula)
            for text in above:
                self._line(Text(text))
            row = Text(f"{last:<{self.left}} = {exact(value):<{VALUE}} ")
            self._line(row.append(f"{exact(other):<{VALUE}} {difference(value, other):>{DIFFERENCE}}", "dim"))

    def _broken(self, start: str, formula: str) -> Iterator[str]:
        """A formula in lines that its column has room for."""
        text = start
        for part in formula.split(BREAK):
            if len(text + part) > self.left and text.strip() and text != start:
                yield text
                text, part = " " * len(start), part.lstrip()
            text += part
        yield text

    def brief(self, update: int, step: Step, largest: str) -> None:
        """A line for what holds after an update, the first below its heads. largest: difference from autograd."""
        figures = {"E": step.after.error}
        if step.regularizer.penalised:
            figures["penalty"] = sum(step.regularizer.penalties(step.new.weights).values())
        first = sum(step.network.sizes[:-1]) + 1
        figures |= {f"y{j}": float(y) for j, y in enumerate(step.after.ys[-1][:OUTPUTS], start=first)}
        if update == 1:
            self._print()
            heads = "".join(f"{name:>13}" for name in figures)
            self._line(Text(f"{'updates':>7}{heads} {'diff':>{DIFFERENCE}}", "bold"))
        text = "".join(f"{brief(figure):>13}" for figure in figures.values())
        self._line(Text(f"{update:>7}{text} {largest:>{DIFFERENCE}}"))

    def _print(self, text: str = "", style: str = "", indent: int = 0) -> None:
        for line in wrap(text, self.width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]:
            self._line(Text(line.replace(GLUE, " "), style))

    def _line(self, text: Text) -> None:
        self.console.print(text, no_wrap=True, overflow="ignore", crop=False)
