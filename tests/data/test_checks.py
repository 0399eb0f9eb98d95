"""What is wrong with samples, targets and what stands beside them, whoever gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate import data
from ablate.data import Source, digits
from ablate.utils import arrays
from ablate.utils.arrays import is_frame, pieces
from ablate.utils.errors import ConfigError

X, Y = np.arange(120.0).reshape(30, 4), np.arange(30) % 3
FRAME = pd.DataFrame(X, columns=list("abcd"))


def given(configured, monkeypatch, **source: Any) -> Source:
    monkeypatch.setattr(digits, "load", lambda config: Source(**{"x": X, "y": Y} | source))
    return data.source(configured().dataset)


@pytest.mark.parametrize(
    "source",
    [
        {"y": Y.astype(str)},
        {"y": Y.astype(str).astype(object)},
        {"y": Y * 0.5},
        {"y": Y > 1},
        {"y": np.stack([Y, Y], axis=1) > 1},
        {"x": FRAME, "test_x": FRAME, "test_y": Y},
        {"x": FRAME.assign(a=np.nan)},
        {"val_x": X[:6], "val_y": Y[:6]},
        {"group": Y, "time": Y * 1.0, "weight": Y + 1},
        {"time": np.arange(30).astype("datetime64[D]"), "group": Y.astype(str)},
    ],
)
def test_what_can_be_used_is_left_as_it_is(configured, monkeypatch, source):
    found = given(configured, monkeypatch, **source)
    for name, value in source.items():
        there = getattr(found, name)
        assert there.equals(value) if is_frame(value) else there is value


def test_a_frame_of_a_source_is_read_as_any_other(configured, monkeypatch):
    frame = FRAME.assign(city=["New  York", " null", "Rome"] * 10)
    found = given(configured, monkeypatch, x=frame, said=["read"])
    assert found.x["city"].tolist()[::3] == ["New York"] * 10 and found.x["city"].isna().sum() == 10
    assert found.said == ["read", "10 × null read as missing"]
    with pytest.raises(ConfigError, match="dataset=digits: column city holds values of type list; must be numbers"):
        given(configured, monkeypatch, x=FRAME.assign(city=[[1]] * 30))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"y": Y.astype(complex)}, "labels are of type complex128; must be text or numbers"),
        ({"y": np.array([{}] * 30)}, "labels are of type dict; must be text or numbers"),
        ({"y": np.where(Y == 1, np.nan, Y)}, "labels hold NaN or infinity (10 of 30 do); must be finite numbers"),
        (
            {"y": np.zeros((30, 2, 2))},
            "labels have the shape [30, 2, 2]; must be one a sample, [30], or several, [30, k]",
        ),
        ({"y": np.zeros((30, 0))}, "labels have the shape [30, 0]"),
        ({"y": np.full((30, 2), "x")}, "labels are of type <U1; must be numbers, where there are several"),
        ({"y": np.zeros((30, 2)), "classes": 2}, "labels have the shape [30, 2]; must be one a sample, [30]"),
        ({"x": FRAME.assign(a=np.inf)}, "column a is infinite in 30 of 30 rows; must be finite numbers, or missing"),
        ({"x": FRAME[:0], "y": Y[:0]}, "samples are a table of 0 rows and 4 columns; must be at least one of each"),
        ({"val_x": X}, "val samples have no labels"),
        ({"val_x": X[:, :3], "val_y": Y}, "val samples have the shape [3]; must be [4], as the others"),
        (
            {"test_x": X, "test_y": Y.astype(str)},
            "test labels are of type <U21 and shape [30], unlike the others (int64)",
        ),
        ({"group": Y[:-1]}, "group has the shape [29]; must be one a sample, [30]"),
        ({"weight": Y}, "weight is something else for 10 of 30 samples; must be from 1e-15 to 1e+15"),
        ({"weight": Y.astype(str)}, "weight is of type <U21; must be numbers"),
        ({"time": Y.astype(bool)}, "time is of type bool; must be numbers or dates"),
        ({"time": np.where(Y == 1, np.nan, Y)}, "time is missing for 10 of 30 samples"),
        ({"time": np.full(30, "NaT", "datetime64[D]")}, "time is missing for 30 of 30 samples"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(configured, monkeypatch, source, said):
    with pytest.raises(ConfigError) as refused:
        given(configured, monkeypatch, **source)
    assert str(refused.value).startswith(f"dataset=digits: its {said}") and "\n" not in str(refused.value)


def test_pieces_are_the_whole_and_those_of_a_part_of_a_mapped_array_are_of_this_part(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "PIECE", 600)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for array in (X, mapped, mapped[7:], np.asfortranarray(X)):
        found = list(pieces(array, np.arange(len(array))))
        assert (np.concatenate(found) == array).all() and len(found) > 1
