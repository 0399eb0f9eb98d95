"""Rows of a table become numbers, by what the training rows say."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from ablate.options.schema import DatasetConfig, TableConfig
from ablate.preprocessing.columns import Columns, missing
from ablate.preprocessing.telling import met
from ablate.utils.errors import ConfigError

SCALINGS = ["standard", "robust", "quantile", "unit", "none"]
MIXED = pd.DataFrame(
    {
        "id": np.arange(1, 41),
        "age": [20.0, 30.0, 40.0, np.nan] * 10,
        "sex": ["f", "m", None, "f"] * 10,
        "visit": ["2020-01-01", "2020-01-02", "2020-01-11", "2021-01-01"] * 10,
        "site": "A",
        "city": ["Bonn"] * 18 + ["Kiel"] * 20 + ["Trier", "Ulm"],
    }
)


def config(**keys):
    given = {"name": "csv", "val_fraction": 0.2, "split_seed": 0, "scaling": "standard", "missing": "impute"}
    return TableConfig(**given | keys)


def test_every_column_stands_in_a_line():
    columns = Columns.fit(MIXED, config(rare=0.04))
    assert columns.said == (
        "numbers (1): age",
        "categories (2): sex (3), city (4, 2 rare ones joined)",
        "dates (1): visit (year-month-day)",
        "left out (2): id (identifier), site (constant)",
    )
    assert list(columns.kinds) == list(MIXED.columns)


def test_figures_by_hand():
    columns = Columns.fit(MIXED, config(rare=0.04, scaling="none"))
    assert columns.features == (
        *("age", "visit", "age=(missing)"),
        *("sex=f", "sex=m", "sex=(missing)", "city=Bonn", "city=Kiel", "city=(rare)"),
    )
    found = columns.transform(MIXED.iloc[[0, 2, 3, 38]])
    assert found.dtype == np.float32
    assert found.tolist() == [
        [20, 18262, 0, 1, 0, 0, 1, 0, 0],
        [40, 18272, 0, 0, 0, 1, 1, 0, 0],
        [30, 18628, 1, 1, 0, 0, 1, 0, 0],  # the median, and that it was missing
        [40, 18272, 0, 0, 0, 1, 0, 0, 1],
    ]


def test_scaling_is_of_numbers_and_dates_alone():
    x = np.array([0.0, 1.0, 3.0, 10.0] * 10)
    frame = pd.DataFrame({"x": x, "colour": ["red", "green"] * 20})
    ranks = QuantileTransformer(n_quantiles=40, output_distribution="normal").fit_transform(x[:, None])[:, 0]
    low, middle, high = np.percentile(x, (25, 50, 75))
    expected = {
        "standard": (x - 3.5) / x.std(),
        "robust": (x - middle) / (high - low),
        "quantile": ranks,
        "unit": x / 10,
        "none": x,
    }
    for scaling in SCALINGS:
        found = Columns.fit(frame, config(scaling=scaling)).transform(frame)
        assert np.allclose(found[:, 0], expected[scaling], atol=1e-6), scaling
        assert (found[:, 1:] == [[0, 1], [1, 0]] * 20).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_rows_are_transformed_one_by_one(scaling):
    columns = Columns.fit(MIXED, config(scaling=scaling))
    together = columns.transform(MIXED)
    alone = np.concatenate([columns.transform(MIXED.iloc[[i]]) for i in range(len(MIXED))])
    assert (together == alone).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_what_other_rows_hold_changes_nothing(scaling):
    """Also where it changes the type that pandas has for the column."""
    table = MIXED.drop(columns="id")
    train = table.index[::2]
    changed = table.astype(object)
    changed.loc[table.index[1::2]] = [["old", "x", "soon", "B", 7]] * 20
    one, other = (Columns.fit(rows.loc[train], config(scaling=scaling)) for rows in (table, changed))
    assert one.dumps() == other.dumps()
    assert (one.transform(table.loc[train]) == other.transform(changed.loc[train])).all()


def test_categories_match_by_their_text():
    columns = Columns.fit(pd.DataFrame({"c": [1, 2, 1, 2], "b": [True, False, True, True]}), config(category=["c"]))
    expected = [[1, 0, 0, 1], [0, 1, 1, 0]]
    for values in ([1, 2], [1.0, 2.0], ["1", "2"], ["1.0", " 2"], pd.Categorical([1, 2])):
        assert columns.transform(pd.DataFrame({"c": values, "b": ["TRUE", False]})).tolist() == expected


def test_unseen_categories_join_the_rare_ones_where_there_are_some():
    frame = pd.DataFrame({"c": ["a"] * 50 + ["b"] * 50 + ["d"], "e": ["x", "y"] * 50 + ["x"]})
    columns = Columns.fit(frame, config(rare=0.02))
    assert columns.features == ("c=a", "c=b", "c=(rare)", "e=x", "e=y")
    new = pd.DataFrame({"c": ["new", "d"], "e": ["new", None]})
    assert columns.transform(new).tolist() == [[0, 0, 1, 0, 0]] * 2


def test_ten_thousand_categories():
    texts = [f"c{i}" for i in range(10_000)]
    frame = pd.DataFrame({"c": texts * 2 + ["often"] * 2_000, "x": np.arange(22_000) / 7})
    assert Columns.fit(frame, config()).features == ("x", "c=often", "c=(rare)")
    with pytest.raises(
        ConfigError, match=r"dataset.rare=0.0: makes 10,001 columns of c; may make 1,000: a larger one joins"
    ):
        Columns.fit(frame, config(rare=0.0))


def test_new_rows_may_lack_values_where_training_rows_did_not():
    frame = pd.DataFrame({"x": [1.0, 2.0, 6.0], "c": ["a", "b", "a"]})
    new = pd.DataFrame({"x": [None, 4.0], "c": ["a", None]})
    assert Columns.fit(frame, config(scaling="none")).transform(new).tolist() == [[2, 1, 0], [4, 0, 0]]
    with pytest.raises(ConfigError, match=r"column x: row 1 lacks a value; without dataset.missing=impute"):
        Columns.fit(frame, config(missing="refuse")).transform(new)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({"x": [1.0]}, "columns day and colour: are missing, and were there in training$"),
        ({"x": [1.0], "Day": ["2020-01-01"], "colour": ["a"]}, r"column day: is missing.*\(did you mean Day\?\)"),
        ({"x": ["abc"], "day": ["2020-01-01"], "colour": ["a"]}, "column x: abc in row 1 is no number"),
        ({"x": ["1,500"], "day": ["2020-01-01"], "colour": ["a"]}, "column x: 1,500 in row 1 is no number"),
        ({"x": ["inf"], "day": ["2020-01-01"], "colour": ["a"]}, "column x: holds 1 infinite number"),
        ({"x": [1e99], "day": ["2020-01-01"], "colour": ["a"]}, r"column x: .*too large, such as 1e\+99"),
        ({"x": [1], "day": ["31.1.2020"], "colour": ["a"]}, r"column day: 31.1.2020 in row 1 is no date \(year-month"),
        ({"x": [1], "day": [7], "colour": ["a"]}, "column day: 7 in row 1 is no date"),
        ({"x": [pd.Timestamp(0)], "day": ["2020-01-01"], "colour": ["a"]}, "column x: holds dates; must be numbers"),
        ({"x": [[1]], "day": ["2020-01-01"], "colour": ["a"]}, "column x: holds a list in row 1"),
    ],
)
def test_new_rows_of_another_kind_get_a_line(new, said):
    columns = Columns.fit(
        pd.DataFrame({"x": [1.5, 2, 3], "day": ["2020-01-01", "2020-01-02", "2020-02-01"], "colour": ["a", "b", "a"]}),
        config(),
    )
    with pytest.raises(ConfigError, match=said) as error:
        columns.transform(pd.DataFrame(new))
    assert "\n" not in str(error.value)


def test_new_rows_in_another_order_of_columns_with_others_beside_them():
    frame = pd.DataFrame({"x": [1.5, 2, 3], "y": ["1,5", "2,5", "1,234"], "c": ["a", "b", "a"]})
    columns = Columns.fit(frame, config())
    new = frame.iloc[:, ::-1].assign(z=1).rename(columns={"z": 7})
    assert (columns.transform(new) == columns.transform(frame)).all()
    assert columns.unknown(new) == ["7"]
    as_text = frame.astype(str).assign(y=[1.5, 2.5, 1.234])
    assert (columns.transform(as_text) == columns.transform(frame)).all()
    assert columns.transform(frame.iloc[:0]).shape == (0, 4)


def test_numbers_that_are_too_large_are_refused_by_name():
    for values in ([1e39, 1.0, 2.0], [1e200, 1.0, 2.0]):
        with pytest.raises(ConfigError, match="column x: holds numbers that are too large"):
            frame = pd.DataFrame({"x": values})
            Columns.fit(frame, config(scaling="none")).transform(frame)


def test_a_table_without_a_feature_is_refused():
    with pytest.raises(ConfigError, match=r"no column is left to learn from; left out \(1\): x \(constant\)"):
        Columns.fit(pd.DataFrame({"x": [1, 1]}), config())
    with pytest.raises(ConfigError, match="column 1: is there twice"):
        Columns.fit(pd.DataFrame([[1, 2], [3, 4]], columns=[1, "1"]), config())


def test_missing_values_are_refused_or_left_out_before_the_split():
    frame = pd.DataFrame({"x": [1, None, 3], "c": ["a", None, None], "empty": None, "skip": None, "full": [1, 2, 3]})
    said = r"dataset.missing=refuse: 2 rows of 3 lack values, in x \(1\), c \(2\); dataset.missing=impute fills.*drop"
    with pytest.raises(ConfigError, match=said):
        missing(frame, config(missing="refuse"))
    rows, said = missing(frame, config(missing="drop"))
    assert rows.tolist() == [True, False, False]
    assert said == ("2 rows of 3 left out, for values are missing: x (1), c (2)",)
    rows, said = missing(frame, config(missing="refuse", ignore=["x", "c"]))
    assert rows.all() and not said
    rows, said = missing(frame, config(missing="impute"))
    assert rows.all() and said == ("2 rows of 3 lack values, which are filled in: x (1), c (2)",)
    with pytest.raises(ConfigError, match=r"dataset.missing=drop: leaves no row"):
        missing(pd.DataFrame({"x": [1, None], "y": [None, 1]}), config(missing="drop"))


def test_a_data_frame_whose_config_has_no_keys_of_tables():
    plain = DatasetConfig(name="mine", val_fraction=0.2, split_seed=0, scaling="unit")
    assert Columns.fit(pd.DataFrame({"x": [1.5, 2.5]}), plain).transform(pd.DataFrame({"x": [2]})).tolist() == [[0.5]]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_saved_and_read_they_are_the_same_to_the_last_bit(scaling):
    columns = Columns.fit(MIXED, config(scaling=scaling))
    saved = columns.dumps()
    assert saved == Columns.fit(MIXED, config(scaling=scaling)).dumps()
    read = Columns.loads(saved)
    assert (read.features, read.said, read.kinds) == (columns.features, columns.said, columns.kinds)
    assert read.dumps() == saved
    assert (read.transform(MIXED) == columns.transform(MIXED)).all()


@pytest.mark.slow
def test_another_process_gets_the_same_bits(tmp_path):
    columns = Columns.fit(MIXED, config(scaling="quantile"))
    (tmp_path / "columns").write_bytes(columns.dumps())
    MIXED.to_json(tmp_path / "table.json")
    code = (
        "import pandas, pathlib; from ablate.preprocessing.columns import Columns;"
        "columns = Columns.loads(pathlib.Path('columns').read_bytes());"
        "found = columns.transform(pandas.read_json('table.json', convert_dates=False));"
        "pathlib.Path('found').write_bytes(columns.dumps() + found.tobytes())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / "found").read_bytes() == columns.dumps() + columns.transform(MIXED).tobytes()


class _Trap:
    def __reduce__(self):
        return (pytest.fail, ("it was run",))


def _changed(**keys):
    saved = json.loads(Columns.fit(MIXED, config()).dumps())
    return json.dumps(saved | keys).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        Columns.fit(MIXED, config()).dumps()[:-100],
        pickle.dumps(_Trap()),
        _changed(format=2),
        _changed(features=["one"]),
        _changed(features=[1]),
        _changed(columns=[{"name": "x"}]),
        _changed(outcome=[0.0] * 9),
        _changed(example={}),
        _changed(transformer=None),
        _changed(transformer={"RandomForestClassifier": {}}),
        _changed(transformer={"Pipeline": {"steps": [["a", {"os.system": "true"}]]}}),
        _changed(transformer={"StandardScaler": {"transform": "x"}}),
        _changed(transformer={"array": ["V8", [1], [1]]}),
        _changed(transformer={"ColumnTransformer": {}}),
        _changed(more=1),
    ],
)
def test_what_is_damaged_or_of_other_types_gets_a_line(content):
    with pytest.raises(ConfigError, match="the table's columns can't be") as error:
        Columns.loads(content)
    assert "\n" not in str(error.value)


def _first(**keys):
    """The columns, the second of which, age, is another."""
    columns = json.loads(Columns.fit(MIXED, config()).dumps())["columns"]
    return [columns[0], columns[1] | keys, *columns[2:]]


FEATURES = list(Columns.fit(MIXED, config()).features)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"columns": _first(kind="foo")}, r"columns\.1\.kind"),
        ({"columns": _first(kind="date", form="%Q")}, r"columns\.1\.form"),
        ({"columns": _first(kind="category")}, "of other kinds"),
        ({"columns": _first(kind="ignored")}, "not those that the transformer was fitted to"),
        ({"columns": _first(name="sex")}, "the same name"),
        ({"columns": _first(name="Age")}, "not those that the transformer was fitted to"),
        ({"columns": _first(low="x")}, r"columns\.1\.low"),
        ({"columns": []}, "not those that the transformer was fitted to"),
        ({"columns": _first()[::-1]}, "not those that the transformer was fitted to"),
        ({"features": FEATURES[::-1]}, "features are not those"),
        ({"features": FEATURES[:-1]}, "features are not those"),
    ],
)
def test_columns_must_be_those_of_the_transformer(keys, said):
    with pytest.raises(ConfigError, match=f"the table's columns can't be read: .*{said}") as error:
        Columns.loads(_changed(**keys))
    assert "\n" not in str(error.value)


def test_of_a_transformer_only_its_fitted_state_is_taken():
    saved = Columns.fit(MIXED, config()).dumps()
    changed = json.loads(saved)
    state = changed["transformer"]["ColumnTransformer"]
    assert not {"n_jobs", "memory", "verbose"} & set(state)
    state |= {"n_jobs": 10**9, "verbose": True, "transform": "x", "_validate_output": 3}
    read = Columns.loads(json.dumps(changed).encode())
    assert read.dumps() == saved
    assert (read.transformer.n_jobs, read.transformer.verbose) == (None, False)


def test_a_state_that_fails_for_other_rows_than_the_example_gets_a_line():
    saved = Columns.fit(MIXED, config(rare=0)).dumps().replace(b'"infrequent_if_exist"', b'"error"')
    with pytest.raises(ConfigError, match="the table's columns can't be used: ValueError: Found unknown categories"):
        Columns.loads(saved).transform(MIXED.assign(city="Paris"))


def test_numbers_and_dates_outside_of_training_are_said_the_worst_first():
    columns = Columns.loads(Columns.fit(MIXED, config()).dumps())
    assert list(met(columns, MIXED.dropna())) == []
    new = MIXED.dropna().head(4).assign(age=["20", "41", "19.5", "40"], visit=["2020-01-01"] * 3 + ["2031-05-01"])
    assert list(met(columns, new)) == [
        "visit: 1 of 4 values outside of training's 2020-01-01 to 2021-01-01; "
        "age: 2 of 4 values outside of training's 20 to 40"
    ]
    many = pd.DataFrame({f"x{i}": [0.5, 1, 2.5] for i in range(7)})
    (line,) = met(Columns.fit(many, config()), many.add([0, 0, 9, 1, 2, 3, 4]))
    assert line.startswith("x2: 3 of 3 values outside of training's 0.5 to 2.5; x6: ")
    assert line.count("outside") == 5 and "more" not in line
    (line,) = met(Columns.fit(many, config()), many - 9)
    assert line.count("outside") == 5 and line.endswith("; and 2 columns more")


def test_the_columns_of_a_wide_table_are_not_all_named():
    columns = Columns.fit(pd.DataFrame({"x": [1.5, 2, 3]}), config())
    with pytest.raises(ConfigError, match=r"^column x: is missing, and was there in training$"):
        columns.transform(pd.DataFrame({f"y{i}": [1] for i in range(11)}))


def test_a_zip_is_no_saved_columns(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("schema.json", "{}")
    with pytest.raises(ConfigError, match="the table's columns can't be read"):
        Columns.loads((tmp_path / "a.zip").read_bytes())


def test_another_version_of_scikit_learn_is_named():
    changed = _changed(sklearn="0.1", outcome=[0.0] * 11)
    with pytest.raises(ConfigError, match=r"saved with scikit-learn 0\.1, this is"):
        Columns.loads(changed)


AWKWARD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["1", "1.0", "1,5", "nan", "inf", "2020-01-01", "1/2/2020", "yes", "=1+1", "a" * 1000, "None"]),
    st.datetimes(),
    st.dates(),
    st.decimals(allow_nan=False),
    st.just(pd.NaT),
    st.just(pd.NA),
    st.lists(st.integers(), max_size=1),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(
    values=st.one_of(
        st.lists(AWKWARD, min_size=1, max_size=30),
        *(st.lists(kind, min_size=1, max_size=30) for kind in (st.floats(), st.integers(), st.text(), st.datetimes())),
    ),
    scaling=st.sampled_from(SCALINGS),
)
def test_any_column_becomes_finite_numbers_or_gets_a_line(values, scaling):
    frame = pd.DataFrame({"odd one": pd.Series(values, dtype=object), "x": np.linspace(0, 1, len(values)) ** 2})
    try:
        columns = Columns.fit(frame, config(scaling=scaling))
        found = columns.transform(frame)
    except ConfigError as error:
        assert "\n" not in str(error) or "\n" in str(values)
        return
    assert np.isfinite(found).all() and found.shape == (len(frame), len(columns.features))
    assert (Columns.loads(columns.dumps()).transform(frame) == found).all()
    assert any("odd one" in line for line in columns.said)
