"""Files of tables: dialects, encodings, numbers and missing values are found out, and told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate import data
from ablate.data import _tables, _text
from ablate.utils.errors import ConfigError

Read = Callable[..., tuple[pd.DataFrame, str]]


@pytest.fixture
def read(tmp_path) -> Read:
    """read(content, …): the frame of a file, and what is said of it."""

    def make(content: str | bytes, name: str = "t.csv", **how: str) -> tuple[pd.DataFrame, str]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        frame, said = _tables.read(str(path), **how)
        return frame, "\n".join(said)

    return make


def test_a_plain_table_is_said_to_be_one(read):
    frame, said = read("a,b,y\n1,2.5,x\n3,4,z\n")
    assert said == "t.csv: 2 rows, 3 columns; separated by commas"
    assert frame.to_dict("list") == {"a": [1, 3], "b": [2.5, 4.0], "y": ["x", "z"]}
    assert frame["a"].dtype == np.int64 and frame["b"].dtype == np.float64


def test_semicolons_decimal_commas_and_old_letters_are_found_out(read):
    frame, said = read("größe;zahl\nübel;1,5\nklein;-2,25\n".encode("cp1252"))
    assert said == "t.csv: 2 rows, 2 columns; separated by semicolons, decimal commas, cp1252"
    assert frame.to_dict("list") == {"größe": ["übel", "klein"], "zahl": [1.5, -2.25]}


@pytest.mark.parametrize("sign", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_same_table_in_every_dialect_is_the_same(read, sign, end, encoding):
    rows = [["name", "n", "y"], ['"a, b; c|d e\tf"', "1", "ä"], ['"say ""hi"""', "2", "ß"], ["z", "3", "x"]]
    frame, _ = read("".join(sign.join(row) + end for row in rows).encode(encoding))
    assert frame["n"].tolist() == [1, 2, 3] and frame["y"].tolist() == ["ä", "ß", "x"]
    assert [name.replace("\t", " ") for name in frame["name"]] == ["a, b; c|d e f", 'say "hi"', "z"]


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("a;b;y\n1,5;2,5;3,5\n1,5;2,5;3,5\n", ["a", "b", "y"]),  # as many commas as semicolons
        ("a,b\n1,x;y\n2,z;w\n", ["a", "b"]),  # semicolons within every row
        ("a b,c\nx y,1\nx y z,2\n", ["a b", "c"]),
        ("text,y\n1 2 3,4\n1 2 3,4\n", ["text", "y"]),
        ("a\tb\nx, y\tz, w\n", ["a", "b"]),
        ("sep=|\na|b,c\n1|2\n", ["a", "b,c"]),
    ],
)
def test_the_separator_is_what_divides_all_lines_alike(read, content, columns):
    assert read(content)[0].columns.tolist() == columns


def test_figures_behind_a_zero_and_very_long_ones_are_names(read):
    frame, _ = read("id,zip,long,zero\n1,007,12345678901234567890,0\n2,010,12345678901234567891,0.5\n")
    assert frame["zip"].tolist() == ["007", "010"] and frame["long"].tolist()[0] == "12345678901234567890"
    assert frame["id"].tolist() == [1, 2] and frame["zero"].tolist() == [0, 0.5]


def test_numbers_are_those_of_columns_in_which_every_value_is_one(read):
    frame, _ = read("a,b,c,d,e\n1,1e3,1%,0x1,+.5\n2.,-1E-2,2,2,-1.5\nx,inf,3,3,1\n")
    assert frame["b"].tolist() == [1000.0, -0.01, np.inf] and frame["e"].tolist() == [0.5, -1.5, 1]
    assert [frame[name].tolist()[0] for name in "acd"] == ["1", "1%", "0x1"]


def test_what_is_written_for_missing_values_is_said(read):
    frame, said = read("a,b,y\n1,x,p\n?,NA,q\n,n/a,NULL\nnan,y,?\n")
    assert frame["a"].isna().tolist() == [False, True, True, True] and frame["a"].dtype == np.float64
    assert frame["b"].isna().tolist() == [False, True, True, False] and frame["y"].isna().sum() == 2
    assert "2 × ? read as missing" in said and "1 × NA read as missing" in said


def test_marks_of_thousands_are_not_guessed(read):
    frame, said = read('a,y\n"1,234",2\n"5,678",3\n')
    assert frame["a"].tolist() == ["1,234", "5,678"]
    assert "read as text for commas in it, which may be marks of thousands: a; dataset.decimal=comma, or point" in said
    assert read('a,y\n"1,234",2\n"5,678",3\n', decimal="comma")[0]["a"].tolist() == [1.234, 5.678]
    assert read('a,y\n"0,234",2\n"5,678",3\n')[0]["a"].tolist() == [0.234, 5.678]  # no mark stands behind a 0


def test_points_beside_commas_leave_these_text_and_say_so(read):
    frame, said = read("a;b;y\n1,5;1.5;x\n2,5;2.5;x\n")
    assert frame["a"].tolist() == ["1,5", "2,5"] and frame["b"].tolist() == [1.5, 2.5]
    assert "while others have decimal points: a" in said


def test_columns_without_a_name_are_called_by_their_place_or_left_out_where_they_are_empty(read):
    frame, said = read(",a,y,\n0,2,3,\n1,2,4,\n")
    assert frame.columns.tolist() == ["column 1", "a", "y"]
    assert "1 column without name and values left out; column 1 without a name in the file" in said
    frame, said = read("a,y\n1,2,\n3,4,\n")
    assert frame.to_dict("list") == {"a": [1, 3], "y": [2, 4]} and "each row ends in one of the commas too many" in said


def test_lines_of_comments_above_are_left_out_and_a_mark_before_the_names_is_not_one(read):
    assert "2 lines above the names left out" in read("# made by\n# us\na,y\n1,2\n")[1]
    assert read("#a,y\n1,2\n")[0].columns.tolist() == ["#a", "y"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("a,b\n", "holds no rows"),
        ("a,a\n1,2\n", "has more than one column of the name a; give each its own"),
        ("5.1,3.5,setosa\n4,3,setosa\n", "its first line holds numbers (5.1, 3.5) where a table names its columns"),
        ("a,b\n1,2\n1,2,3\n1,2\n", "line 3 has 3 fields, and the first one, of names, 2 (1 of 3 rows differ)"),
        ('a,b\n1,"x\ny",3\n2,3\n', "line 3 has 3 fields"),
        ('a,b\n1,"x\n2,3\n', "line 2: a quote is not closed; dataset.quote=none takes quotes as they are"),
        ('a,b\n1,"x"y\n', "line 2: a quote is amiss"),
        ("a,b\n1,\0\n", "is no text: line 2 holds a character of code 0"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is no table, it is a PNG image"),
        ('[{"a": 1}]', "is no table, it is JSON"),
        ("<html>", "is no table, it is HTML or XML"),
        (b"a,b\n\x81,2\n", "is not in utf-8 or cp1252; dataset.encoding=NAME says in what"),
        (b"\x1f\x8b\x08\0", "can't be unpacked"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(read, content, said):
    with pytest.raises(ConfigError) as refused:
        read(content)
    assert str(refused.value).startswith("dataset.path=") and f": {said}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_told_counts(read):
    assert read("a;b\n1;2\n", separator="comma")[0].columns.tolist() == ["a;b"]
    assert read("a,b\n'x,1\n", quote="none")[0]["a"].tolist() == ["'x"]
    assert read("a,b\n'x,1',2\n'y',3\n", quote="single")[0]["a"].tolist() == ["x,1", "y"]
    assert read("a;b\n1,5;2\n", decimal="point")[0]["a"].tolist() == ["1,5"]
    assert read("a;b\nŁ;2\n".encode("iso8859-2"), encoding="iso8859-2")[0]["a"].tolist() == ["Ł"]
    for encoding in ("klingon", "hex"):
        with pytest.raises(ConfigError, match=f"there is no encoding {encoding}"):
            read("a;b\n1;2\n", encoding=encoding)


def test_places_without_a_file_are_told(tmp_path):
    for path, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "nix", "no such file"),
        (Path("/dev/null"), "is no file"),
    ):
        with pytest.raises(ConfigError, match=said):
            _tables.read(str(path))


def test_a_file_that_was_changed_is_read_again(read):
    assert read("a,y\n1,2\n")[0]["a"].tolist() == [1]
    assert read("a,y\n15,2\n")[0]["a"].tolist() == [15]


def test_fields_may_be_long_and_the_limit_of_pythons_csv_stays(read):
    import csv

    before = csv.field_size_limit()
    assert len(read(f"a,y\n{'x' * 300_000},1\n")[0]["a"][0]) == 300_000
    assert csv.field_size_limit() == before


def test_an_index_of_parquet_is_a_column_and_a_sheet_of_excel_can_be_chosen(tmp_path):
    frame = pd.DataFrame({"id": [3, 4], "a": [1.5, None], "y": ["x", "z"]})
    frame.set_index("id").to_parquet(tmp_path / "t.parquet")
    assert _tables.read(str(tmp_path / "t.parquet"))[0].columns.tolist() == ["id", "a", "y"]
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        frame.to_excel(book, sheet_name="First", index=False)
        frame.rename(columns={"a": "b"}).to_excel(book, sheet_name="Second", index=False)
    found, said = _tables.read(str(tmp_path / "t.xlsx"))
    assert found.columns.tolist() == ["id", "a", "y"] and said == ["t.xlsx: 2 rows, 3 columns; sheet First of 2"]
    assert "b" in _tables.read(str(tmp_path / "t.xlsx"), sheet="Second")[0]
    with pytest.raises(ConfigError, match=r"dataset.sheet=Third: must be one of First, Second"):
        _tables.read(str(tmp_path / "t.xlsx"), sheet="Third")


@pytest.mark.parametrize(
    ("ending", "key", "value", "said"),
    [
        ("parquet", "separator", "comma", "is for text, and t.parquet is Parquet"),
        ("pq", "encoding", "latin-1", "is for text, and t.pq is Parquet"),
        ("xlsx", "decimal", "comma", "is for text, and t.xlsx is Excel"),
        ("xlsx", "quote", "single", "is for text, and t.xlsx is Excel"),
        ("parquet", "sheet", "First", "is for Excel, and t.parquet is Parquet"),
        ("csv", "sheet", "First", "is for Excel, and t.csv is text"),
    ],
)
def test_keys_of_another_kind_of_file_are_refused(configured, ending, key, value, said):
    config = configured("dataset=csv", f"dataset.path=t.{ending}", "dataset.target=y", f"dataset.{key}={value}")
    with pytest.raises(ConfigError) as refused:
        data.source(config.dataset)
    assert str(refused.value) == f"dataset.{key}={value}: {said}"


@pytest.mark.parametrize(("ending", "package"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_a_package_that_is_missing_is_named_with_how_to_get_it(tmp_path, monkeypatch, ending, package):
    path = tmp_path / f"t.{ending}"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"is read by {package}, which is not installed: pip install 'ablate"):
        _tables.read(str(path))


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS, st.integers(-999, 999)), min_size=2, max_size=8), st.sampled_from(",;\t|"))
def test_what_python_writes_is_read_as_it_was(rows, sign):
    import csv
    import io

    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=sign)
    writer.writerows([("first", "second", "n"), *rows])
    one = _text.dialect(written.getvalue(), "auto", "auto")
    found = [row for _, row in one.rows(written.getvalue())]
    if all(len(row) == 3 for row in found):  # cells may make another dialect of it, in a table as small as this
        assert one.separator == sign or len({len(row) for row in found}) == 1
    names, count, _ = _text.table(written.getvalue(), _text.Dialect(sign, '"'))
    assert names == ["first", "second", "n"] and count == len(rows)
