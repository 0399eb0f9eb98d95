"""A step as a picture: values on the units, weights and gradients on what joins them. SVG, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from ablate.backprop.delta_rule import Step
from ablate.backprop.formulas import Unit, Weight, error_symbols, number, units

TEMPLATE = Path(__file__).with_name("picture.svg.jinja")
RADIUS, SPACING, MARGIN, TOP, BOTTOM = 34, 165, 120, 110, 70
LABEL = 104  # room for the width of a label on an edge
MIDDLE = 0.6  # labels keep to this share of an edge, around its middle


class Place(NamedTuple):
    x: float
    y: float


class Edge(NamedTuple):
    """A weight between two units. hidden: dropout hides one of them."""

    weight: Weight
    start: Place
    end: Place
    label: Place
    hidden: bool


def draw(step: Step, update: int) -> str:
    """The text of an SVG file."""
    layers, shape = units(step), step.network.sizes
    places, width, height = layout(shape)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.finalize = lambda value: f"{value:.5g}" if isinstance(value, float) else value
    environment.filters["short"] = lambda value: number(value, digits=4)
    picture = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=f"Back-propagation, {'-'.join(map(str, shape))}, update {update}",
        size=(f"{width:g}", f"{height:g}"),
        bottom=height,
        radius=RADIUS,
        top=TOP,
        edges=list(_edges(layers, places)),
        layers=[list(zip(*pair, strict=True)) for pair in zip(layers, places, strict=True)],
        step=step,
        error=error_symbols(step.network),
    )
    return picture + "\n"


def layout(shape: list[int]) -> tuple[list[list[Place]], float, float]:
    """Where the units of every layer are, and the picture's width and height."""
    tall = max(shape) * SPACING
    places, x = [], float(MARGIN)
    for size in shape:
        top = TOP + (tall - size * SPACING) / 2
        places.append([Place(x, top + (place + 0.4) * SPACING) for place in range(size)])
        # On the way to the next layer, every unit's labels have a column of their own.
        x += 2 * RADIUS + max(250.0, round((size - 1) * LABEL / MIDDLE))
    return places, places[-1][0].x + MARGIN, tall + TOP + BOTTOM


def _edges(layers: list[list[Unit]], places: list[list[Place]]) -> Iterator[Edge]:
    for k, layer in enumerate(layers[:-1]):
        for i, (source, start) in enumerate(zip(layer, places[k], strict=True)):
            column = (i - (len(layer) - 1) / 2) * LABEL
            for target, end in zip(layers[k + 1], places[k + 1], strict=True):
                share = 0.5 + column / (end.x - start.x - 2 * RADIUS)
                label = Place((start.x + end.x) / 2 + column, start.y + share * (end.y - start.y))
                yield Edge(target.weights[i], start, end, label, 0 in (source.mask, target.mask))
