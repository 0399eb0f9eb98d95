"""A step as a picture: values on the units, weights and gradients on what joins them. SVG, light and dark."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ablate.backprop.delta_rule import Step
from ablate.backprop.formulas import error_symbols, joint, named, number, numbered

TEMPLATE = Path(__file__).with_name("picture.svg.jinja")
RADIUS, SPACING, MARGIN, TOP, BOTTOM = 34, 165, 120, 110, 70
LABEL = 104  # room for the width of a label on an edge
MIDDLE = 0.6  # labels keep to this share of an edge, around its middle


def draw(step: Step, update: int) -> str:
    """The text of an SVG file."""
    network, (_, nets, ys, _) = step.network, step.forward
    tall, x, layers = max(network.sizes) * SPACING, float(MARGIN), []
    for k, (numbers, outputs) in enumerate(zip(numbered(network), [step.pattern.x, *ys], strict=True), start=-1):
        top, layer = TOP + (tall - len(numbers) * SPACING) / 2, []
        arrays = {"net": nets, "δ": step.deltas, "b": network.biases, "m": step.masks}
        for place, (j, y) in enumerate(zip(numbers, outputs, strict=True)):
            at = complex(x, top + (place + 0.4) * SPACING)  # x + iy
            layer.append((j, y, at, {name: of[k][place] for name, of in arrays.items() if 0 <= k < len(of)}))
        layers.append(layer)
        right = x + MARGIN
        # On the way to the next layer, every unit's labels have a column of their own.
        x += 2 * RADIUS + max(250.0, round((len(layer) - 1) * LABEL / MIDDLE))
    edges, weights, gradients = [], named(network, network.weights), named(network, step.gradients)
    for sources, targets in pairwise(layers):
        for place, (i, _, here, said) in enumerate(sources):
            for j, _, there, also in targets:
                start, way, name = here + RADIUS, there - here - 2 * RADIUS, joint(i, j)
                share = 0.5 + (place - (len(sources) - 1) / 2) * LABEL / way.real
                edge = name, weights[name], gradients[name], start, start + way, start + share * way
                edges.append((*edge, 0 in (said.get("m"), also.get("m"))))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.finalize = lambda value: f"{value:.5g}" if isinstance(value, float) else value
    environment.filters["short"] = lambda value: number(value, digits=4)
    picture = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=f"Back-propagation, {'-'.join(map(str, network.sizes))}, update {update}",
        size=(f"{right:g}", f"{tall + TOP + BOTTOM:g}"),
        bottom=tall + TOP + BOTTOM,
        radius=RADIUS,
        top=TOP,
        edges=edges,
        layers=layers,
        step=step,
        error=error_symbols(network),
    )
    return picture + "\n"
