"""The picture of a network and of one step."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from ablate.backprop import delta_rule, picture
from ablate.backprop.task import draw_masks, read

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*arguments: str) -> ElementTree.Element:
    """The picture of the first step, parsed."""
    task = read(arguments)
    masks = draw_masks(task.network, task.regularizer.dropout, task.seed, 1)
    step = delta_rule.step(task.network, task.pattern, task.rate, task.regularizer, masks)
    return ElementTree.fromstring(picture.draw(step, 1))  # noqa: S314


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def test_the_picture_holds_the_values_of_units_and_edges():
    found = texts(drawn())
    assert {"1", "0.35", "5", "0.6903", "net 0.755", "δ −0.002654", "t 0.5", "w13 0.1", "∂ 0.0009291"} <= set(found)
    assert {"b 0", "net 0.68"} <= set(texts(drawn("--bias")))


def test_the_picture_has_a_title_both_schemes_and_shows_what_dropout_hides():
    svg = drawn("--network", "2-6-2", "regularizer.dropout=0.5")
    assert svg.findtext(f"{SVG}title") == "Back-propagation, 2-6-2, update 1"
    assert "prefers-color-scheme: dark" in (svg.findtext(f"{SVG}style") or "")
    kinds = [circle.get("class") for circle in svg.iter(f"{SVG}circle")]
    assert kinds.count("dropped") == texts(svg).count("m 0") > 0


@pytest.mark.parametrize("shape", ["2-2-1", "3-1-3", "2-3-2", "6-6-6", "6-1", "5-6-3-2"])
def test_no_label_covers_another_or_a_unit_and_all_is_on_the_paper(shape):
    svg = drawn("--network", shape)
    _, *labels = svg.iter(f"{SVG}rect")
    boxes = [[float(label.get(name, 0)) for name in ("x", "y", "width", "height")] for label in labels]
    circles = [[float(circle.get(name, 0)) for name in ("cx", "cy", "r")] for circle in svg.iter(f"{SVG}circle")]
    boxes += [[x - r, y - r, 2 * r, 2 * r] for x, y, r in circles]
    for (x, y, w, h), (left, top, wide, high) in combinations(boxes, 2):
        assert x + w <= left + 1 or left + wide <= x + 1 or y + h <= top + 1 or top + high <= y + 1
    _, _, width, height = (float(v) for v in svg.get("viewBox", "").split())
    assert all(x > 0 and y > 0 and x + w < width and y + h < height for x, y, w, h in boxes)
