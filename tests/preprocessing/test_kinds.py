"""Of which kind a column is, by its training rows."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from ablate.options.schema import TableConfig
from ablate.preprocessing.kinds import kinds
from ablate.utils.errors import ConfigError

RANDOM = np.random.default_rng(0)
N = 60
NAMES = [f"P-{i:04}" for i in RANDOM.permutation(N)]
SENTENCES = [f"The patient number {i} came in and was seen by a doctor" for i in range(N)]


def config(**keys):
    return TableConfig(**{"name": "csv", "val_fraction": 0.2, "split_seed": 0, "scaling": "standard"} | keys)


def kind(values, name="c", **keys):
    """Of a column that stands beside another."""
    frame = pd.DataFrame({name: values, "other": np.linspace(0, 1, len(values))})
    found, _ = kinds(frame, config(missing="impute", **keys))
    return found[0].kind


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 1.5, 2.5], "number"),
        (["0.5", " 1e3", "-2"], "number"),
        (["1,5", "2,25", "3"], "number"),
        (pd.array([1, None, 3], dtype="Int64"), "number"),
        (list(range(7, 7 + N)), "number"),
        (list(range(1960, 1960 + N)), "number"),
        (RANDOM.permutation(N).tolist(), "number"),
        ([True, False, True], "category"),
        (["yes", "no", "yes"], "category"),
        (["TRUE", "false", None], "category"),
        (["a", "b", "a"], "category"),
        (pd.Categorical([1, 2, 1]), "category"),
        (["12", "abc", "12"], "category"),
        (["007", "008", "007"], "category"),
        (["2020-01-31", "1999-12-01"], "date"),
        (["2020-01-31T10:00:00Z", "1999-12-01"], "date"),
        (["31.1.2020", "01.12.1999"], "date"),
        (["1/31/2020", "12/1/1999"], "date"),
        (["31/01/2020 10:30", "01/12/1999 00:00"], "date"),
        (["Jan 31, 2020", "Dec 1, 1999"], "date"),
        ([datetime.date(2020, 1, 31), datetime.date(1999, 12, 1)], "date"),
        (pd.to_datetime(["2020-01-31", None, "1999-12-01"]), "date"),
        (pd.to_datetime(["2020-01-31", "1999-12-01"]).tz_localize("Europe/Berlin"), "date"),
        (pd.PeriodIndex(["2020-01", "2021-01"], freq="M"), "date"),
        (["2020-01-31", "nothing"], "category"),
        (NAMES, "identifier"),
        (list(range(N)), "identifier"),
        (list(range(1, N + 1)), "identifier"),
        ([3, 3, 3], "constant"),
        (["a", "a", "a"], "constant"),
        ([None, None], "constant"),
        ([3, None, 3], "number"),
        (["a", None, "a"], "category"),
    ],
    ids=str,
)
def test_what_a_column_is(values, expected):
    assert kind(values) == expected


@pytest.mark.parametrize("name", ["id", "ID", "patient_id", "PassengerId", "sample-id", "uuid", "id number"])
def test_whole_numbers_that_all_differ_are_identifiers_where_the_name_says_so(name):
    assert kind(RANDOM.permutation(N) + 5000, name) == "identifier"
    assert kind(np.arange(N) // 10, name) == "category"
    assert kind(RANDOM.normal(size=N), name) == "number"


@pytest.mark.parametrize("name", ["acid", "humid", "covid", "COVID", "width", "Idle"])
def test_names_that_only_sound_like_it_are_none(name):
    assert kind(RANDOM.permutation(N) + 5000, name) == "number"


def test_an_index_is_told_in_any_part_of_the_rows():
    frame = pd.DataFrame({"row": np.arange(1, 201), "x": RANDOM.normal(size=200)}).sample(frac=0.5, random_state=0)
    assert [column.kind for column in kinds(frame, config())[0]] == ["identifier", "number"]


@pytest.mark.parametrize("load", [datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer])
def test_no_column_of_measurements_is_dropped(load):
    frame = load(as_frame=True).data
    for rows in (frame, frame.sample(frac=0.3, random_state=0), frame.iloc[:20]):
        assert {column.kind for column in kinds(rows, config())[0]} == {"number"}


@pytest.mark.parametrize("scaled", [True, False])
def test_no_column_of_diabetes_is_dropped(scaled):
    frame = datasets.load_diabetes(as_frame=True, scaled=scaled).data
    assert {column.kind for column in kinds(frame, config())[0]} == {"number"}


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("category", [1, 2, 3], "category"),
        ("category", SENTENCES[:3] * 40, "category"),
        ("number", list(range(N)), "number"),
        ("date", [20200131, 19991201], "date"),
        ("date", [1999, 2020], "date"),
        ("ignore", SENTENCES, "ignored"),
        ("ignore", [object(), object()], "ignored"),
    ],
)
def test_the_kind_can_be_set(key, values, expected):
    assert kind(values, **{key: ["c"]}) == expected


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"number": ["cc"]}, r"dataset.number=\[cc\]: cc is no column; must be one of c, other \(did you mean c\?\)"),
        ({"number": ["c"], "date": ["c"]}, r"dataset.date=\[c\]: c is already in dataset.number"),
        ({"ignore": ["c", "c"]}, r"c is already in dataset.ignore"),
        ({"category": ["y"], "target": "y"}, "y is dataset.target, no feature"),
        ({"date": ["c"]}, r"dataset.date=\[c\]: a and the others are no dates of one form"),
    ],
)
def test_a_key_that_cannot_be_followed_is_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        kind(["a", "b"], **keys)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (SENTENCES, r"is free text \(60 different ones in 60 rows\); leave it out by dataset.ignore=\[c\], or make"),
        ([f"{i}" for i in range(N - 1)] + ["?"], r"holds numbers, but not in 1 row of 60 \(\? in row 60\)"),
        (
            [f"2020-01-{1 + i % 30:02}" for i in range(N)] + ["soon"],
            r"holds dates, but not in 1 row of 61 \(soon in row",
        ),
        (["01/02/2020", "03/04/2020"], "01/02/2020 may be the day first or the month first, and no row tells"),
        ([1.0, np.inf, -np.inf, 2.0], "holds 2 infinite numbers in 4 rows"),
        (["1", "inf"], "holds 1 infinite number in 2 rows"),
        ([[1], [2]], "holds a list in row 1; must be a number, text or a date"),
        ([1, {"a": 1}], "holds a dict in row 2"),
        ([1j, 2j], "holds complex numbers"),
        ([b"a", b"b"], "holds a bytes in row 1"),
    ],
)
def test_what_is_no_feature_is_refused_by_name(values, said):
    with pytest.raises(ConfigError, match=f"column c: {said}"):
        kind(values)


def test_days_and_months_that_are_the_same_either_way_are_dates():
    assert kind(["01/01/2020", "02/02/2020"]) == "date"


def test_a_column_whose_categories_are_all_rare_is_left_out():
    values = [f"name {i}" for i in range(500)] * 2
    assert kind(values) == "constant"
    assert kind(values, rare=0.0) == "category"


def test_marks_of_thousands_are_refused():
    for values in (["5,266.98", "12.5", "1,000"], ["1.234,5", "2.345,5"], ["1 000", "12"]):
        with pytest.raises(ConfigError, match="marks of thousands, which are not guessed; write numbers without them"):
            kind(values * 10)
