"""A step as a picture: values on the units, weights and gradients on what joins them. SVG, light and dark."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ablate.backprop.delta_rule import Step
from ablate.backprop.formulas import error_symbols, number, units

TEMPLATE = Path(__file__).with_name("picture.svg.jinja")
RADIUS, SPACING, MARGIN, TOP, BOTTOM = 34, 165, 120, 110, 70
LABEL = 104  # room for the width of a label on an edge
MIDDLE = 0.6  # labels keep to this share of an edge, around its middle


def draw(step: Step, update: int) -> str:
    """The text of an SVG file."""
    shape = step.network.sizes
    tall, x, layers = max(shape) * SPACING, float(MARGIN), []
    for layer in units(step):
        top = TOP + (tall - len(layer) * SPACING) / 2
        # A place is x + iy.
        layers.append([(unit, complex(x, top + (place + 0.4) * SPACING)) for place, unit in enumerate(layer)])
        right = x + MARGIN
        # On the way to the next layer, every unit's labels have a column of their own.
        x += 2 * RADIUS + max(250.0, round((len(layer) - 1) * LABEL / MIDDLE))
    edges = []
    for sources, targets in pairwise(layers):
        for i, (source, place) in enumerate(sources):
            for target, end in targets:
                start, way = place + RADIUS, end - place - 2 * RADIUS
                share = 0.5 + (i - (len(sources) - 1) / 2) * LABEL / way.real
                hidden = 0 in (source.mask, target.mask)
                edges.append((target.weights[i], start, start + way, start + share * way, hidden))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.finalize = lambda value: f"{value:.5g}" if isinstance(value, float) else value
    environment.filters["short"] = lambda value: number(value, digits=4)
    picture = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=f"Back-propagation, {'-'.join(map(str, shape))}, update {update}",
        size=(f"{right:g}", f"{tall + TOP + BOTTOM:g}"),
        bottom=tall + TOP + BOTTOM,
        radius=RADIUS,
        top=TOP,
        edges=edges,
        layers=layers,
        step=step,
        error=error_symbols(step.network),
    )
    return picture + "\n"
