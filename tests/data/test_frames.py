"""From a data frame to a source: what is predicted, grouped, timed and weighed is taken out of the features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.data import Source, _frames
from ablate.options.schema import TableConfig
from ablate.utils.errors import ConfigError

FRAME = pd.DataFrame(
    {
        "a": [1.5, None, 3.0, 4.0],
        "kind": ["x", "y", None, "x"],
        "who": ["p", "p", "q", "q"],
        "day": ["2024-01-02", "2024-01-01", "2024-03-01", "2024-02-01"],
        "w": [1, 2, 1, 1],
        "y": ["no", "yes", "no", "yes"],
        "z": [0.5, 1.5, 2.5, 3.5],
    }
)


def source(frame: pd.DataFrame = FRAME, test: pd.DataFrame | None = None, **keys: Any) -> Source:
    given = {"name": "csv", "val_fraction": 0.2, "split_seed": 0, "scaling": "standard", "target": "y"} | keys
    return _frames.source_of(frame, TableConfig.model_validate(given), test=test)


def test_columns_with_a_part_of_their_own_are_no_features():
    found = source(group="who", time="day", weight="w")
    assert list(found.x.columns) == ["a", "kind", "z"] and found.target == "y"
    assert found.y.tolist() == ["no", "yes", "no", "yes"]
    assert found.group is not None and found.group.tolist() == ["p", "p", "q", "q"]
    assert found.time is not None and found.time.tolist() == FRAME["day"].tolist()
    assert found.weight is not None and found.weight.tolist() == [1, 2, 1, 1]


def test_several_targets_are_several_numbers():
    found = source(target=["z", "w"])
    assert found.y.tolist() == [[0.5, 1], [1.5, 2], [2.5, 1], [3.5, 1]] and found.labels == ("z", "w")
    assert source(target=["w"]).y.tolist() == [1, 2, 1, 1]


def test_true_and_false_are_two_classes():
    found = source(FRAME.assign(y=[True, False, True, False]))
    assert found.y.tolist() == [1, 0, 1, 0] and found.labels == ("False", "True") and found.classes == 2


def test_rows_without_a_target_are_refused_or_left_out_and_said():
    frame = FRAME.assign(y=["no", None, "yes", "yes"])
    with pytest.raises(ConfigError) as refused:
        source(frame)
    assert str(refused.value) == (
        "dataset.target=y: 1 of 4 rows have no target (y); dataset.missing=drop leaves them out"
    )
    for missing in ("drop", "impute"):
        found = source(frame, missing=missing, weight="w")
        assert found.y.tolist() == ["no", "yes", "yes"] and found.x["z"].tolist() == [0.5, 2.5, 3.5]
        assert found.weight is not None and found.weight.tolist() == [1, 1, 1]
        assert found.said == ["1 of 4 rows have no target (y); they are left out"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"target": "Y"}, "dataset.target=Y: must be one of a, day, kind, w, who, y, z"),
        ({"target": None}, "dataset.target=null: the column that is to be predicted; must be one of a, day"),
        ({"target": []}, "dataset.target=[]: the column that is to be predicted"),
        ({"group": "whom"}, "dataset.group=whom: must be one of a, day, kind, w, who, y, z (did you mean who?)"),
        ({"time": "y"}, "dataset.time=y: is the target already"),
        ({"weight": "who"}, "dataset.weight=who: must be a column of numbers"),
        ({"weight": "a"}, "dataset.weight=a: 1 of 4 rows have no weight (a); dataset.missing=drop leaves them out"),
        ({"group": "kind"}, "dataset.group=kind: 1 of 4 rows have no group (kind)"),
        ({"target": ["y", "kind"], "missing": "drop"}, "dataset.target=[y,kind]: y is text (no, …); several targets"),
        ({"target": list(FRAME)}, "dataset.target=[a,kind,who,day,w,y,z]: 2 of 4 rows have no target"),
    ],
)
def test_a_column_that_cannot_be_what_it_is_said_to_be_is_refused(keys, said):
    with pytest.raises(ConfigError) as refused:
        source(**keys)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("weights", [[1, 2, 0, 1], [1, 2, -1, 1], [1, 2, np.inf, 1]])
def test_weights_are_finite_and_above_0(weights):
    with pytest.raises(ConfigError, match=r"dataset.weight=w: is not above 0, or not finite, in 1 of 4 rows"):
        source(FRAME.assign(w=weights), weight="w")


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ConfigError, match=r"leaves no column to learn from; the table has 2 columns"):
        source(FRAME[["y", "who"]], group="who")


def test_columns_of_every_type_are_numbers_dates_or_text():
    frame = FRAME.assign(
        whole=pd.array([1, None, 3, 4], dtype="Int64"),
        category=pd.Categorical(["u", "v", "u", "v"]),
        numbers=pd.Categorical([1, 2, 1, 2]),
        zone=pd.date_range("2024", periods=4, tz="Europe/Berlin"),
        truth=pd.array([True, None, False, True], dtype="boolean"),
        mixed=[1, "a", 2.5, None],
        small=np.array([1, 2, 3, 4], np.int8),
    )
    x = source(frame).x
    assert {name: x[name].to_numpy().dtype.kind for name in frame.columns[7:]} == {
        "whole": "f", "category": "O", "numbers": "O", "zone": "M", "truth": "O", "mixed": "O", "small": "i"
    }  # fmt: skip
    assert x["mixed"].tolist()[:3] == ["1", "a", "2.5"] and x["mixed"].isna().tolist() == [False] * 3 + [True]
    assert x["zone"].iloc[0] == pd.Timestamp("2023-12-31 23:00")


def test_what_stands_for_missing_values_is_that_of_text_files_and_is_said():
    frame = FRAME.assign(
        a=[1, "NA", 3, 4],
        kind=["?", "New  York", " n/a ", "New York"],
        who=pd.Categorical(["p", "NULL", "q  r", "q r"]),
        day=pd.array(["NaN", "", "x", pd.NA], dtype="string"),
    )
    found = source(frame, test=frame)
    assert found.x["a"].dtype == np.float64 and found.x["a"].isna().tolist() == [False, True, False, False]
    assert found.x["kind"].isna().tolist() == [True, False, True, False]
    assert found.x["kind"].dropna().tolist() == ["New York", "New York"]
    assert found.x["who"].dtype == "category" and found.x["who"].dropna().tolist() == ["p", "q r", "q r"]
    assert found.x["day"].isna().tolist() == [True, True, False, True]
    there = {f"1 × {mark} read as missing" for mark in ("NA", "?", "n/a", "NULL", "NaN")}
    assert set(found.said) == there | {f"{line} in the test part" for line in there}
    with pytest.raises(ConfigError, match="1 of 4 rows have no target"):
        source(FRAME.assign(y=["no", "NA", "yes", "yes"]))


@pytest.mark.parametrize(("column", "kind"), [([[1]] * 4, "list"), ([b"x"] * 4, "bytes"), ([1j] * 4, "complex128")])
def test_columns_of_something_else_are_refused(column, kind):
    with pytest.raises(ConfigError, match=rf"dataset=csv: column c .*type {kind}; must be numbers, dates or text"):
        source(FRAME.assign(c=column))


def test_a_published_test_part_has_the_same_columns():
    found = source(FRAME, test=FRAME.iloc[:2, ::-1])
    assert found.test_x is not None and list(found.test_x.columns) == list(found.x.columns)
    assert found.test_y is not None and found.test_y.tolist() == ["no", "yes"]
    with pytest.raises(ConfigError, match=r"dataset=csv: z: must be in training and test part alike"):
        source(FRAME, test=FRAME.drop(columns="z"))
