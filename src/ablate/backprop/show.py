"""A step as text: formula, value by hand, autograd's value and their difference, aligned."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from ablate.backprop import formulas
from ablate.backprop.delta_rule import Network, Step
from ablate.backprop.examples import sizes
from ablate.backprop.formulas import number
from ablate.backprop.naming import largest_difference, named, numbers, weights_and_biases
from ablate.backprop.sections import Line, Section, Setting, sections

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


def difference(value: float) -> str:
    return f"{value:.0e}" if value else "0"


def _brief(value: float) -> str:
    return (f"{value:.9f}" if abs(value) < 10 else f"{value:.6g}").replace("-", "−")


class Display:
    """Prints steps on a console, without markup: what is typed by a person stays as it is."""

    def __init__(self, console: Console, setting: Setting) -> None:
        self.console, self.setting = console, setting
        self.width = max(NARROWEST, min(console.width, WIDEST))

    def header(self, network: Network, title: str) -> None:
        """What is given."""
        setting, units = self.setting, numbers(network)
        hidden = "" if len(network.weights) == 1 else f"{network.activation} hidden units, "
        kinds = f"{hidden}{network.output} output"
        if network.activation == network.output:
            kinds = f"{network.output} everywhere"
        biases = "biases" if network.biases else "no biases"
        shape = "-".join(str(size) for size in sizes(network.weights))
        self._print(f"{title}: {shape}, {kinds}, {biases}", "bold")
        self._print(f"E = {formulas.error_symbols(network)}, learning rate η = {number(setting.rate)}")
        given = [f"x{i} = {number(x)}" for i, x in zip(units[0], setting.pattern.x, strict=True)]
        given += [f"t{j} = {number(t)}" for j, t in zip(units[-1], setting.pattern.target, strict=True)]
        self._list("pattern  ", given)
        weights = [f"{name} = {number(value)}" for name, value in weights_and_biases(network).items()]
        self._list("weights  ", weights)
        if setting.dropout or setting.penalty.l1 or setting.penalty.l2:
            self._list("regularizer  ", self._regularizer())
        self._print("Formulas show six digits; the values are worked out with all of float64.", "dim")

    def _regularizer(self) -> list[str]:
        penalty = self.setting.penalty
        words = [f"l1 = {number(penalty.l1)}"] * bool(penalty.l1) + [f"l2 = {number(penalty.l2)}"] * bool(penalty.l2)
        if words and penalty.layers == "hidden":
            words.append("on all kernels but the last")
        return words + [f"dropout p = {number(self.setting.dropout)}"] * bool(self.setting.dropout)

    def full(self, update: int, step: Step, check: Step) -> None:
        """Every line of a step."""
        if update > 1:
            self._print("")
            self._print(f"Update {update}", "bold underline")
        ours, theirs = named(step), named(check)
        parts = sections(step, self.setting)
        heads = f"{' by hand':<{VALUE}} {' autograd':<{VALUE}} {'diff':>{DIFFERENCE}}"
        self._print("")
        self._line(Text(" " * (self._left + 3) + heads, "dim"))
        for section in parts:
            self._section(section, ours, theirs)
        shown = {line.name: ours[line.name] for section in parts for line in section.lines}
        largest = difference(largest_difference(shown, theirs))
        self._print("")
        self._print(f"{len(shown)} values; largest difference from autograd {largest}")

    @property
    def _left(self) -> int:
        """The width of names and formulas."""
        return self.width - 2 * VALUE - DIFFERENCE - 5

    def _section(self, section: Section, ours: dict[str, float], theirs: dict[str, float]) -> None:
        self._print("")
        self._print(section.title, "bold")
        for rule in section.rules:
            self._print(rule, "dim", indent=2)
        widest = max(len(line.name) for line in section.lines)
        for line in section.lines:
            *above, last = self._wrapped(line, widest)
            for text in above:
                self._line(Text(text))
            mine, other = ours[line.name], theirs[line.name]
            row = Text(f"{last:<{self._left}} = {exact(mine):<{VALUE}} ")
            row.append(f"{exact(other):<{VALUE}} {difference(abs(mine - other)):>{DIFFERENCE}}", "dim")
            self._line(row)

    def _wrapped(self, line: Line, widest: int) -> Iterator[str]:
        """`name = formula`, broken between its parts where it would be wider than its column."""
        start = f"{line.name:<{widest}} = "
        text = start
        for part in line.parts:
            if len(text + part) > self._left and text.strip() and text != start:
                yield text
                text, part = " " * len(start), part.lstrip()
            text += part
        yield text

    def steps_header(self, network: Network) -> None:
        """The heads of the lines of `brief`."""
        self._print("")
        names = [f"y{j}" for j in numbers(network)[-1][:OUTPUTS]]
        penalty = ["penalty"] if self.setting.penalty.l1 or self.setting.penalty.l2 else []
        heads = "".join(f"{name:>13}" for name in ["E", *penalty, *names])
        self._line(Text(f"{'updates':>7}{heads} {'diff':>{DIFFERENCE}}", "bold"))

    def brief(self, count: int, step: Step, check: Step) -> None:
        """A line for what holds after `count` updates."""
        penalty = self.setting.penalty
        total = [sum(penalty.values(step.new.weights).values())] if penalty.l1 or penalty.l2 else []
        figures = [step.after.error, *total, *step.after.ys[-1][:OUTPUTS]]
        text = "".join(f"{_brief(figure):>13}" for figure in figures)
        off = difference(largest_difference(named(step), named(check)))
        self._line(Text(f"{count:>7}{text} {off:>{DIFFERENCE}}"))

    def _list(self, head: str, items: list[str]) -> None:
        """`head` and the items, broken only between them."""
        glued = ", ".join(item.replace(" ", GLUE) for item in items)
        self._print(head + glued, indent=len(head))

    def _print(self, text: str, style: str = "", indent: int = 0) -> None:
        for line in wrap(text, self.width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]:
            self._line(Text(line.replace(GLUE, " "), style))

    def _line(self, text: Text) -> None:
        self.console.print(text, no_wrap=True, overflow="ignore", crop=False)
