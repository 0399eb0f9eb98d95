"""A step as text: formula, value by hand, autograd's value and their difference, aligned."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import islice

import numpy as np
from rich.text import Text

from ablate.backprop.delta_rule import Array, Step
from ablate.backprop.formulas import BREAK, error_symbols, named, number, numbered, sections
from ablate.utils.console import GLUE, Console

NARROWEST, WIDEST = 80, 96  # columns, by what the terminal has
VALUE, DIFFERENCE = 18, 5  # columns: −0.123456789012345, 1e-17
OUTPUTS = 3  # outputs in the line of a step


def exact(value: float) -> str:
    """15 decimals, or fewer where they are all; with room for a sign, so that points stand below each other."""
    value += 0.0  # never −0
    if value and not 1e-6 <= abs(value) < 10:
        text = f"{value: .10e}" if abs(value) < 1e-6 or abs(value) >= 1e14 else f"{value: .15g}"
    else:
        text = f"{value: .15f}"
        text = text.rstrip("0").rstrip(".") if text.endswith("000") else text
    return text.replace("-", "−")


def brief(value: float) -> str:
    """9 decimals, or six digits of a large number."""
    return (f"{value:.9f}" if abs(value) < 10 else f"{value:.6g}").replace("-", "−")


def difference(ours: float | Array, theirs: float | Array) -> str:
    """The largest of the absolute differences."""
    largest = np.abs(ours - theirs).max()
    return f"{largest:.0e}" if largest else "0"


class Display:
    """Prints steps on standard output."""

    def __init__(self) -> None:
        self.console = Console(width=min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST))
        self.left = self.console.width - 2 * VALUE - DIFFERENCE - 5  # for names and formulas

    def header(self, title: str, step: Step) -> None:
        """What is given: what the first step starts from."""
        network, regularizer, numbers = step.network, step.regularizer, numbered(step.network)
        kinds = f"{network.output} everywhere"
        if network.activation != network.output:
            kinds = f"{network.activation} hidden units, " * (len(numbers) > 2) + f"{network.output} output"
        shape, biases = "-".join(map(str, network.sizes)), "biases" if network.biases else "no biases"
        self.console.prose(f"{title}: {shape}, {kinds}, {biases}", style="bold")
        self.console.prose(f"E = {error_symbols(network)}, learning rate η = {number(step.rate)}")
        given = {f"x{j}": x for j, x in zip(numbers[0], step.pattern.x, strict=True)}
        given |= {f"t{j}": t for j, t in zip(numbers[-1], step.pattern.target, strict=True)}
        started = named(network, network.weights, network.biases)
        pattern, weights = ([f"{name} = {number(value)}" for name, value in of.items()] for of in (given, started))
        words = [f"{name} = {number(strength)}" for name, strength in regularizer.strengths.items()]
        words += ["on all kernels but the last"] if words and regularizer.layers == "hidden" else []
        words += [f"dropout p = {number(regularizer.dropout)}"] if regularizer.dropout else []
        for head, items in (("pattern  ", pattern), ("weights  ", weights), ("regularizer  ", words)):
            if items:  # broken only between them
                glued = ", ".join(item.replace(" ", GLUE) for item in items)
                self.console.prose(head + glued, indent=len(head))
        self.console.prose("Formulas show six digits; the values are worked out with all of float64.", style="dim")

    def full(self, update: int, step: Step, check: Step) -> None:
        """Every line of a step."""
        if update > 1:
            self.console.line_of_text(f"\nUpdate {update}", "bold underline")
        heads = f"{' by hand':<{VALUE}} {' autograd':<{VALUE}} {'diff':>{DIFFERENCE}}"
        self.console.line_of_text("\n" + " " * (self.left + 3) + heads, "dim")
        count = 0
        for ours, theirs in zip(sections(step), sections(check), strict=True):
            self.console.line_of_text(f"\n{ours.title}", "bold")
            for rule in ours.rules:
                self.console.prose(rule, indent=2, style="dim")
            widest = max(len(line.name) for line in ours.lines)
            for line, other in zip(ours.lines, theirs.lines, strict=True):
                *above, last = self._broken(f"{line.name:<{widest}} = ", line.formula)
                for text in above:
                    self.console.line_of_text(text)
                row = Text(f"{last:<{self.left}} = {exact(line.value):<{VALUE}} ")
                compared = f"{exact(other.value):<{VALUE}} {difference(line.value, other.value):>{DIFFERENCE}}"
                self.console.line_of_text(row.append(compared, "dim"))
            count += len(ours.lines)
        largest = difference(step.values, check.values)
        self.console.line_of_text(f"\n{count} values; largest difference from autograd {largest}")

    def _broken(self, start: str, formula: str) -> Iterator[str]:
        """A formula in lines that its column has room for."""
        text = start
        for part in formula.split(BREAK):
            if len(text + part) > self.left and text.strip() and text != start:
                yield text
                text, part = " " * len(start), part.lstrip()
            text += part
        yield text

    def brief(self, update: int, step: Step, check: Step) -> None:
        """A line for what holds after an update, the first below its heads."""
        figures = {"E": step.after.error}
        if step.regularizer.strengths:
            figures["penalty"] = sum(step.regularizer.penalties(step.new.weights).values())
        outputs = zip(numbered(step.network)[-1], step.after.ys[-1], strict=True)
        figures |= {f"y{j}": y for j, y in islice(outputs, OUTPUTS)}
        if update == 1:
            heads = "".join(f"{name:>13}" for name in figures)
            self.console.line_of_text(f"\nupdates{heads} {'diff':>{DIFFERENCE}}", "bold")
        largest = difference(step.values, check.values)
        text = "".join(f"{brief(figure):>13}" for figure in figures.values())
        self.console.line_of_text(f"{update:>7}{text} {largest:>{DIFFERENCE}}")
