"""docs/images/architecture.svg is what scripts/architecture.py draws of the code as it is now."""

from __future__ import annotations

import runpy
import tomllib
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from helpers import ROOT

DRAWS = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))
WINGS = DRAWS["wings"]()


def graph(imports: dict[str, str]):
    return {name: DRAWS["Wing"](name, "", (), frozenset(of.split())) for name, of in imports.items()}


def test_the_picture_is_what_the_code_gives():
    drawn = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == DRAWS["draw"](WINGS), "the picture is out of date: python scripts/architecture.py draws it anew"


def test_every_wing_of_the_contract_is_drawn_with_its_purpose_and_no_other():
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [layer.split(" | ") for layer in linter["contracts"][0]["layers"]]
    place = {name: row for row, names in enumerate(layers) for name in names}
    assert {*place, "hydra_plugins.ablate"} == set(WINGS)
    assert all(wing.purpose for wing in WINGS.values())
    above = [(name, other) for name in place for other in WINGS[name].imports if place[other] <= place[name]]
    assert above == []  # as import-linter says, where it is installed


def test_an_arrow_that_follows_from_others_is_left_out():
    assert DRAWS["arrows"](graph({"a": "b c", "b": "c", "c": ""})) == [("a", "b"), ("b", "c")]
    assert DRAWS["arrows"](graph({"a": "b c", "b": "d", "c": "d", "d": ""})) == [
        ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"),
    ]  # fmt: skip


def test_wings_stand_above_what_they_import_and_arrows_cross_as_little_as_can_be():
    wings = graph({"a": "d", "b": "c", "c": "e", "d": "e", "e": ""})
    assert DRAWS["rows"](wings, DRAWS["arrows"](wings)) == [["b", "a"], ["c", "d"], ["e"]]
    found = DRAWS["rows"](WINGS, DRAWS["arrows"](WINGS))
    row = {name: i for i, names in enumerate(found) for name in names}
    assert all(row[name] < row[other] for name, wing in WINGS.items() for other in wing.imports)


@pytest.mark.parametrize(("code", "imports"), [
    ("from ablate.down import module", {"down"}),
    ("from ablate import down", {"down"}),
    ("import ablate.down.module as m", {"down"}),
    ("def later():\n    from ablate.down.module import thing", {"down"}),
    ("if TYPE_CHECKING:\n    import ablate.down", {"down"}),
    ("import torch, ablate", set()),
    ("from ablate.up import other", set()),
])  # fmt: skip
def test_every_way_to_import_counts(tmp_path, code, imports):
    for name, text in {
        "__init__": "",
        "up/__init__": "",
        "up/one": code,
        "down/__init__": "",
        "down/module": "",
    }.items():
        file = tmp_path / "ablate" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert DRAWS["wings"](tmp_path)["up"].imports == imports


def test_boxes_do_not_overlap_and_stay_in_the_picture():
    root = ElementTree.fromstring(DRAWS["draw"](WINGS))  # noqa: S314 - of our own making
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    boxes = [
        tuple(float(rect.attrib[key]) for key in ("y", "x", "height", "width"))
        for rect in root.iter("{http://www.w3.org/2000/svg}rect")
        if rect.attrib["class"] == "box"
    ]
    assert len(boxes) == len(WINGS)
    for (top, left, high, wide), (next_top, next_left, _, _) in pairwise(sorted(boxes)):
        assert next_top > top + high or (next_top == top and next_left > left + wide)
        assert left > 0 and left + wide < width and top + high < height
