"""A step as a picture: values on the units, weights and gradients on what joins them. SVG, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ablate.backprop.delta_rule import Step
from ablate.backprop.examples import sizes
from ablate.backprop.formulas import error_symbols, short
from ablate.backprop.naming import named, numbers, pair
from ablate.backprop.sections import Setting

RADIUS, SPACING, MARGIN, TOP, BOTTOM = 34, 165, 120, 110, 70
LABEL = 104  # room for the width of a label on an edge
MIDDLE = 0.6  # labels keep to this share of an edge, around its middle
STYLE = """
svg { --paper: #ffffff; --ink: #1d2530; --soft: #5b6673; --unit: #eef2f7; --plus: #2166ac; --minus: #c2410c; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #14181f; --ink: #e8ecf1; --soft: #a3adba; --unit: #232b36; --plus: #6db3f2; --minus: #f59e62; }
}
.paper { fill: var(--paper); }
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); text-anchor: middle; }
.title { font-size: 19px; font-weight: 600; text-anchor: start; }
.line { font-size: 14px; text-anchor: start; fill: var(--soft); }
.target { text-anchor: start; }
.layer { fill: var(--soft); }
circle { fill: var(--unit); stroke: var(--ink); stroke-width: 1.5px; }
.inside { font-size: 13px; font-weight: 600; }
.number { font-size: 12px; fill: var(--soft); }
.soft { font-size: 12px; fill: var(--soft); }
.plus { stroke: var(--plus); }
.minus { stroke: var(--minus); }
.dropped { stroke-dasharray: 4 4; opacity: 0.45; }
"""


class Place(NamedTuple):
    x: float
    y: float


def draw(step: Step, setting: Setting, update: int) -> str:
    """The text of an SVG file."""
    shape = sizes(step.network.weights)
    places, width, height = layout(shape)
    svg = ElementTree.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}", role="img",
        width=f"{width:g}", height=f"{height:g}",
    )  # fmt: skip
    title = f"Back-propagation, {'-'.join(str(size) for size in shape)}, update {update}"
    ElementTree.SubElement(svg, "title").text = title
    ElementTree.SubElement(svg, "style").text = STYLE
    ElementTree.SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _edges(svg, step, places)
    _units(svg, step, setting, places)
    _text(svg, "title", Place(24, 34), title)
    errors = f"{short(step.before.error)} before the update, {short(step.after.error)} after"
    _text(svg, "line", Place(24, 58), f"E = {error_symbols(step.network)} = {errors}; η = {short(setting.rate)}")
    dashed = " Dashed: hidden by dropout." if step.masks else ""
    _text(svg, "line", Place(24, height - 36), "On an edge: the weight before the update, and below it ∂E/∂w.")
    _text(svg, "line", Place(24, height - 16), "Blue: positive; orange: negative; the larger, the thicker." + dashed)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def layout(shape: list[int]) -> tuple[list[list[Place]], float, float]:
    """Where the units of every layer are, and the picture's width and height."""
    tall = max(shape) * SPACING
    places, x = [], float(MARGIN)
    for k, units in enumerate(shape):
        top = TOP + (tall - units * SPACING) / 2
        places.append([Place(x, top + (place + 0.4) * SPACING) for place in range(units)])
        if k < len(shape) - 1:
            x += gap(units)
    return places, x + MARGIN, tall + TOP + BOTTOM


def gap(units: int) -> float:
    """From a layer of so many units to the next: every unit's labels have a column of their own in it."""
    return 2 * RADIUS + max(250.0, round((units - 1) * LABEL / MIDDLE))


def _edges(svg: ElementTree.Element, step: Step, places: list[list[Place]]) -> None:
    edges = list(_joined(step, places))
    largest = max(abs(weight) for _, _, weight, *_ in edges) or 1.0
    for start, end, weight, _, _, dropped in edges:
        kind = ("plus" if weight >= 0 else "minus") + " dropped" * dropped
        attributes = {"class": kind, "stroke-width": f"{1 + 4 * abs(weight) / largest:.2f}"}
        ends = {"x1": start.x + RADIUS, "y1": start.y, "x2": end.x - RADIUS, "y2": end.y}
        _add(svg, "line", **ends, **attributes)
    for _, _, _, at, lines, _ in edges:  # after all lines: no line crosses a label
        wide = 7 * max(len(line) for line in lines) + 6
        _add(svg, "rect", **{"class": "paper"}, x=at.x - wide / 2, y=at.y - 15, width=wide, height=30, rx=5)
        for i, text in enumerate(lines):
            _text(svg, "soft" if i else "", Place(at.x, at.y + 14 * i - 3), text)


def _joined(step: Step, places: list[list[Place]]) -> Iterator[tuple[Place, Place, float, Place, list[str], bool]]:
    """Of every weight: its ends, value, its label's place and lines, and whether dropout hides either end."""
    units, values = numbers(step.network), named(step)
    for k, weights in enumerate(step.network.weights):
        for (i, j), weight in _items(weights):
            start, end = places[k][i], places[k + 1][j]
            column = (i - (len(places[k]) - 1) / 2) * LABEL
            share = 0.5 + column / (end.x - start.x - 2 * RADIUS)
            at = Place((start.x + end.x) / 2 + column, start.y + share * (end.y - start.y))
            name = f"w{pair(units[k][i], units[k + 1][j])}"
            lines = [f"{name} {short(weight)}", f"∂ {short(values[f'∂E/∂{name}'])}"]
            yield start, end, weight, at, lines, hidden(step, k, i) or hidden(step, k + 1, j)


def _items(weights: Any) -> Iterator[tuple[tuple[int, int], float]]:
    for i, row in enumerate(weights.tolist()):
        for j, weight in enumerate(row):
            yield (i, j), weight


def hidden(step: Step, layer: int, place: int) -> bool:
    """Whether dropout hides the unit at `place` of `layer`, the inputs being layer 0."""
    return 0 < layer <= len(step.masks) and bool(step.masks[layer - 1][place] == 0)


def _units(svg: ElementTree.Element, step: Step, setting: Setting, places: list[list[Place]]) -> None:
    last = len(places) - 1
    for layer, (units, row) in enumerate(zip(numbers(step.network), places, strict=True)):
        values = step.forward.ys[layer - 1] if layer else setting.pattern.x
        for place, (j, at) in enumerate(zip(units, row, strict=True)):
            kind = {"class": "dropped"} if hidden(step, layer, place) else {}
            _add(svg, "circle", **kind, cx=at.x, cy=at.y, r=RADIUS)
            _text(svg, "number", Place(at.x, at.y - 12), str(j))
            _text(svg, "inside", Place(at.x, at.y + 8), short(values[place]))
            for line, text in enumerate(_under(step, layer - 1, place) if layer else []):
                _text(svg, "soft", Place(at.x, at.y + RADIUS + 17 + 16 * line), text)
            if layer == last:
                _text(svg, "target", Place(at.x + RADIUS + 10, at.y + 5), f"t {short(setting.pattern.target[place])}")
        title = "inputs x" if layer == 0 else "outputs y" if layer == last else "hidden y"
        _text(svg, "layer", Place(row[0].x, TOP - 22), title)


def _under(step: Step, layer: int, place: int) -> list[str]:
    """What stands under a unit that a layer of weights leads to."""
    lines = [f"net {short(step.forward.nets[layer][place])}", f"δ {short(step.deltas[layer][place])}"]
    lines += [f"b {short(step.network.biases[layer][place])}"] if step.network.biases else []
    return lines + ([f"m {short(step.masks[layer][place])}"] if layer < len(step.masks) else [])


def _text(svg: ElementTree.Element, kind: str, at: Place, text: str) -> None:
    _add(svg, "text", **({"class": kind} if kind else {}), x=at.x, y=at.y).text = text


def _add(svg: ElementTree.Element, tag: str, **attributes: Any) -> ElementTree.Element:
    texts = {name: f"{value:.5g}" if isinstance(value, float) else str(value) for name, value in attributes.items()}
    return ElementTree.SubElement(svg, tag, texts)
