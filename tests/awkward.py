"""Tables as people have them: each is written into a folder, and read with the overrides that it comes with.

A table is `(name, write)`; `write(folder)` gives the overrides of a command that uses it.
"""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Write = Callable[[Path], list[str]]
TABLES: dict[str, Write] = {}

ROWS = 60
_random = random.Random(0)  # noqa: S311
A = [round(_random.gauss(0, 1), 3) for _ in range(ROWS)]
B = [_random.randrange(100) for _ in range(ROWS)]
KIND = [("red", "green", "blue")[i % 3] for i in range(ROWS)]
Y = [("no", "yes")[(A[i] > 0) ^ (i % 7 == 0)] for i in range(ROWS)]


def lines(columns: dict[str, Iterable[object]], separator: str = ",", end: str = "\n", header: bool = True) -> str:
    rows = [list(columns)] if header else []
    rows += [list(row) for row in zip(*columns.values(), strict=True)]
    return "".join(separator.join(map(str, row)) + end for row in rows)


USUAL: dict[str, Any] = {"a": A, "b": B, "kind": KIND, "y": Y}


def text(name: str, content: str | bytes, *overrides: str, target: str = "y", ending: str = "csv") -> None:
    """A table of this content."""

    def write(folder: Path) -> list[str]:
        path = folder / f"{re.sub('[^a-zA-Z0-9]+', '_', name)}.{ending}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ["dataset=csv", f"dataset.path='{path}'", f"dataset.target={target}", *overrides]

    assert name not in TABLES
    TABLES[name] = write


def with_(**columns: Iterable[object]) -> str:
    """The usual columns, and these, which may be others of the same names."""
    return lines(USUAL | columns)


def comma(values: Iterable[float]) -> list[str]:
    return [str(value).replace(".", ",") for value in values]


def quoted(values: Iterable[object]) -> list[str]:
    return ['"' + str(value).replace('"', '""') + '"' for value in values]


# Dialects.
text("commas", with_())
text("semicolons", lines(USUAL, ";"))
text("semicolons and decimal commas", lines(USUAL | {"a": comma(A)}, ";"))
text("decimal commas in quotes", with_(a=quoted(comma(A))))
text("tabs", lines(USUAL, "\t"), ending="tsv")
text("pipes", lines(USUAL, "|"))
text("blanks", lines(USUAL, " "))
text("blanks in columns", lines({k: [f"{v:>8}" for v in c] for k, c in USUAL.items()}, " "), ending="txt")
text("blanks behind commas", lines(USUAL, ", "))
text("another separator, said", lines(USUAL, ";"), "dataset.separator=semicolon")
text("a wrong separator, said", lines(USUAL, ";"), "dataset.separator=tab")
text("an uncommon separator", lines(USUAL, "~"))
text("a separator that Excel is told", "sep=;\r\n" + lines(USUAL, ";", "\r\n"))
text("Windows' line ends", lines(USUAL, end="\r\n"))
text("old Macs' line ends", lines(USUAL, end="\r"))
text("mixed line ends", with_().replace("\n", "\r\n", 20))
text("no last line end", with_().rstrip("\n"))
text("empty lines between", with_().replace("\n", "\n\n"))
text("empty lines above", "\n\n" + with_())
text("separators and line ends in quotes", with_(kind=[f'"{k}, or\nso"' for k in KIND]))
text("doubled quotes", with_(kind=quoted(f'a "{k}" one' for k in KIND)))
text("escaped quotes", with_(kind=[f'"a \\"{k}\\" one"' for k in KIND]))
text("single quotes", with_(kind=[f"'{k}, or so'" for k in KIND]))
text("everything in quotes", lines({f'"{k}"': quoted(c) for k, c in USUAL.items()}))
text("a quote that is not closed", with_().replace("red", '"red', 1))
text("inches", with_(kind=[f'{n}" pipe' for n in B]))
text("quotes as letters", with_(kind=[f'"{k}' for k in KIND]), "dataset.quote=none")
text("trailing separators", lines({**USUAL, "": [""] * ROWS}))
text("trailing separators but in the header", with_().replace("\n", ",\n").replace(",\n", "\n", 1))
text("comments above", "# exported\n# by somebody\n" + with_())
text("comments between", with_().replace("\n", "\n# and now\n", 5).replace("# and now\n", "", 1))
text("a title above", "All of our data, and more\n" + with_())
text("totals below", with_() + "sum,3\n")
text("lines with too many fields", with_().replace("red", "red,ish", 3))
text(
    "names of rows without a name",
    "\n".join([lines(USUAL).splitlines()[0], *(f"{i},{row}" for i, row in enumerate(lines(USUAL).splitlines()[1:]))]),
)

# Encodings.
STRANGE = with_(kind=["größer", "naïve", "Łódź"] * (ROWS // 3))
WESTERN = with_(kind=["größer", "naïve", "5 €"] * (ROWS // 3))
text("utf-8", STRANGE)
text("utf-8 with a mark", STRANGE.encode("utf-8-sig"))
text("utf-16", STRANGE.encode("utf-16"))
text("utf-16 without a mark", STRANGE.encode("utf-16-le"))
text("utf-32", STRANGE.encode("utf-32"))
text("cp1252", WESTERN.encode("cp1252"))
text("latin-2, said", STRANGE.replace("ï", "i").encode("iso8859-2"), "dataset.encoding=iso8859-2")
text("utf-8, said wrongly", STRANGE, "dataset.encoding=ascii")
text("no such encoding", with_(), "dataset.encoding=klingon")
text("no text encoding", with_(), "dataset.encoding=hex")
text("NUL bytes", with_().replace("red", "\0", 1))
text("control characters", with_().replace("red", "\x1b[31mred", 1))
text("emoji", with_(kind=["🍎", "🍏", "🫐"] * (ROWS // 3)))

# Headers.
text("duplicate headers", lines(USUAL).replace("a,b", "a,a", 1))
text("an empty header", lines(USUAL).replace("a,b", ",b", 1))
text("several empty headers", lines(USUAL).replace("a,b", ",", 1))
text("no header", lines(USUAL, header=False))
text("years as headers", lines({"2019": A, "2020": B, "y": Y}))
text("only numbers as headers", lines({"2019": A, "2020": B}), target="y")
text("headers with blanks and line ends", lines({" a ": A, '"b\nor c"': B, "kind ": KIND, " y": Y}))
text("a very long header", lines({"a" * 5000: A, "b": B, "y": Y}))
text("a header that would run", lines({"<script>alert(1)</script>": A, "{b}": B, "y": Y}))
text("a misspelt target", with_(), target="yy")
text("no target", with_(), target="null")
text("the target twice", with_(), target="[y,y]")
text("a group that is not there", with_(), "dataset.group=patient")
text("the target as group", with_(), "dataset.group=y")

# Values.
text("mixed types", with_(a=[("x", 1, 2.5, "")[i % 4] for i in range(ROWS)]))
text("missing values", with_(a=["" if i % 5 == 0 else a for i, a in enumerate(A)]))
text("missing values, imputed", with_(a=["?" if i % 5 == 0 else a for i, a in enumerate(A)]), "dataset.missing=impute")
text(
    "missing values of many spellings",
    with_(a=[("NA", "NaN", "null", "n/a", "?", "", 1, 2)[i % 8] for i in range(ROWS)]),
    "dataset.missing=impute",
)
text("all of a column is missing", with_(b=[""] * ROWS))
text("all of a column is missing, imputed", with_(b=[""] * ROWS), "dataset.missing=impute")
text("targets are missing", with_(y=["" if i % 10 == 0 else y for i, y in enumerate(Y)]))
text(
    "targets are missing, dropped", with_(y=["" if i % 10 == 0 else y for i, y in enumerate(Y)]), "dataset.missing=drop"
)
text("all targets are missing", with_(y=[""] * ROWS), "dataset.missing=drop")
text("one class", with_(y=["yes"] * ROWS))
text("one row a class", with_(y=[f"class {i}" for i in range(ROWS)]))
text(
    "10,000 categories",
    lines({"a": range(10_000), "kind": [f"k{i}" for i in range(10_000)], "y": [i % 2 for i in range(10_000)]}),
)
text("3,000 columns", lines({**{f"c{i}": [i % 3, 1, 2, 0, 1, 2] for i in range(3000)}, "y": [0, 1, 0, 1, 0, 1]}))
text("infinities", with_(a=["inf" if i == 7 else a for i, a in enumerate(A)]))
text("infinite targets", with_(y=["-Infinity" if i == 7 else a for i, a in enumerate(A)]))
text("numbers that are too large", with_(a=["1e999" if i == 7 else a for i, a in enumerate(A)]))
text("very long whole numbers", with_(b=[f"{i}{'7' * 25}" for i in range(ROWS)]))
text("booleans", with_(b=[i % 2 == 0 for i in range(ROWS)]))
text("booleans of several spellings", with_(b=[("yes", "No", "TRUE", "f", "0", "1")[i % 6] for i in range(ROWS)]))
text("boolean targets", with_(y=[y == "yes" for y in Y]))
text("identifiers", with_(id=[f"{i:05}" for i in range(ROWS)]))
text("codes with zeros in front", with_(zip=[("01067", "10115", "80331")[i % 3] for i in range(ROWS)]))
text("dates", with_(day=[f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(ROWS)]))
text("dates and hours", with_(day=[f"2024-{i % 12 + 1:02}-01T{i % 24:02}:30:00Z" for i in range(ROWS)]))
text("German dates", with_(day=[f"{i % 28 + 1:02}.{i % 12 + 1:02}.2024" for i in range(ROWS)]))
text("American dates", with_(day=[f"{i % 12 + 1}/{i % 28 + 1}/2024" for i in range(ROWS)]))
text("dates in several forms", with_(day=[("2024-01-31", "31.01.2024", "Jan 31, 2024")[i % 3] for i in range(ROWS)]))
text("dates as whole numbers", with_(day=[20240101 + i % 28 for i in range(ROWS)]))
text("dates that don't exist", with_(day=["2023-02-30"] * ROWS))
text("by time", with_(day=[f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(ROWS)]), "dataset.time=day")
text("by a time in doubt", with_(day=[f"0{i % 9 + 1}.0{i % 7 + 1}.2024" for i in range(ROWS)]), "dataset.time=day")
text("by a time that is none", with_(), "dataset.time=kind")
text("by group", with_(patient=[f"p{i // 4}" for i in range(ROWS)]), "dataset.group=patient")
text("weighted", with_(w=[1 + i % 3 for i in range(ROWS)]), "dataset.weight=w")
text("weights of nothing", with_(w=[i % 3 for i in range(ROWS)]), "dataset.weight=w")
text("weights of text", with_(), "dataset.weight=kind")
text("very long text", with_(kind=["word " * 30_000] * ROWS))
text("free text", with_(kind=[f"The {i}th of the {b} sentences; each is another" for i, b in enumerate(B)]))
text("a very long text as target", with_(y=["word " * 1000] * ROWS))
text("formulas", with_(kind=[f"=1+{i % 3}" for i in range(ROWS)], b=[f"=A{i + 2}*2" for i in range(ROWS)]))
text("shell and template words", with_(kind=["${oc.env:HOME}", "$(id)", "{{7*7}}"] * (ROWS // 3)))
text("per cent", with_(b=[f"{b}%" for b in B]))
text("currency", with_(b=[f"${b}.99" for b in B]))
text("marks of thousands", with_(b=[f'"1,{b:03}"' for b in B]))
text("Swiss marks of thousands", with_(b=[f"1'{b:03}.5" for b in B]))
text("units", with_(b=[f"{b} kg" for b in B]))
text("hexadecimal numbers", with_(b=[hex(b) for b in B]))
text("numbers with underscores", with_(b=[f"1_{b:03}" for b in B]))
text("numbers with blanks around", with_(b=[f"  {b} " for b in B]))
text("numbers with plus signs and exponents", with_(a=[f"{a:+.2E}" for a in A]))
text("figures of other scripts", with_(b=["٣٤", "۵", "६"] * (ROWS // 3)))
text("minus signs of typography", with_(a=[str(a).replace("-", "−") for a in A]))
text("text that differs in blanks and case", with_(kind=["red", " Red", "RED "] * (ROWS // 3)))
text("constants", with_(b=[1] * ROWS, kind=["x"] * ROWS))
text("a column twice under two names", with_(c=A))
text("the target among the features", with_(z=Y))
text("labels as numbers", with_(y=[1 + i % 3 for i in range(ROWS)]))
text("labels as decimals", with_(y=[f"{i % 2}.0" for i in range(ROWS)]))
text("regression", with_(y=[2 * a + b / 100 for a, b in zip(A, B, strict=True)]))
text("counts", with_(y=B))
text("several numbers", with_(y=A, z=B), target="[y,z]")
text("several labels", with_(y=[i % 2 for i in range(ROWS)], z=[i % 3 // 2 for i in range(ROWS)]), target="[y,z]")
text("several texts", with_(), target="[kind,y]")
text("one per cent of a class", with_(y=["yes"] + ["no"] * (ROWS - 1)))

# Sizes, and what is no table.
text("nothing", "")
text("blank", " \n \n")
text("0 rows", "a,b,y\n")
text("one row", "a,b,y\n1,2,yes\n")
text("two rows", "a,b,y\n1,2,yes\n3,4,no\n")
text("one column", lines({"y": Y}))
text("two columns", lines({"a": A, "y": Y}))
text("one column of sentences", lines({"y": ["Well, well", "So", "Yes; no, maybe"] * 20}))
text("one cell", "y")
text("a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
text("a PDF", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj")
text("JSON", '[{"a": 1, "y": 2}, {"a": 3, "y": 4}]', ending="json")
text("JSON lines", '{"a": 1, "y": 2}\n{"a": 3, "y": 4}\n')
text("HTML", "<html><table><tr><td>a</td></tr></table></html>", ending="html")
text("noise", np.random.default_rng(0).bytes(3000))
text("ARFF", "@relation x\n@attribute a numeric\n@data\n1\n2\n", target="a")
text("packed", gzip.compress(with_().encode()), ending="csv.gz")
text("packed and cut off", gzip.compress(with_().encode())[:200], ending="csv.gz")
text("packed under another name", gzip.compress(with_().encode()))
text("a Parquet file that is none", with_(), ending="parquet")
text("an Excel file that is none", with_(), ending="xlsx")
text("an archive", b"PK\x03\x04" + bytes(100))


def file(name: str, save: Callable[[Path], Path], *overrides: str, target: str = "y") -> None:
    """A table that is written by `save`, which gives its path."""

    def write(folder: Path) -> list[str]:
        return ["dataset=csv", f"dataset.path='{save(folder)}'", f"dataset.target={target}", *overrides]

    TABLES[name] = write


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(USUAL | columns)


def parquet(name: str, table: Callable[[], pd.DataFrame], *overrides: str) -> None:
    def save(folder: Path) -> Path:
        path = folder / f"{name.replace(' ', '_')}.parquet"
        table().to_parquet(path)
        return path

    file(name, save, *overrides)


def excel(name: str, table: Callable[[], pd.DataFrame], *overrides: str, **how: Any) -> None:
    def save(folder: Path) -> Path:
        path = folder / f"{name.replace(' ', '_')}.xlsx"
        table().to_excel(path, **{"index": False, **how})
        return path

    file(name, save, *overrides)


parquet("Parquet", frame)
parquet("Parquet with types of all kinds", lambda: frame(
    c=pd.array([1, None, 3] * 20, dtype="Int64"), d=pd.Categorical(KIND), e=pd.date_range("2024", periods=ROWS),
    f=pd.date_range("2024", periods=ROWS, tz="Europe/Berlin"), g=[True, False] * 30, h=np.float32(A),
    i=pd.array([True, None, False] * 20, dtype="boolean"),
), "dataset.missing=impute")  # fmt: skip
parquet("Parquet with lists", lambda: frame(c=[[1, 2]] * ROWS))
parquet("Parquet with bytes", lambda: frame(c=[b"x"] * ROWS))
parquet("Parquet with spans of time", lambda: frame(c=pd.to_timedelta(A, unit="s")))
parquet("Parquet with dates as target", lambda: frame(y=pd.date_range("2024", periods=ROWS)))
parquet("Parquet without rows", lambda: frame().iloc[:0])
parquet("Parquet with an index", lambda: frame().set_index("kind"))
excel("Excel", frame)
excel("Excel with dates and mixed types", lambda: frame(
    c=pd.date_range("2024", periods=ROWS), d=[1, "x", 2.5, None] * 15, e=[True, False] * 30
), "dataset.missing=impute")  # fmt: skip
excel("Excel, another sheet", frame, "dataset.sheet=Data", sheet_name="Data")
excel("Excel, a sheet that is not there", frame, "dataset.sheet=Nix")
excel("Excel with an index", frame, index=True)
excel("Excel with a title", frame, startrow=2)
excel("Excel without rows", lambda: frame().iloc[:0])
excel("Excel with formulas", lambda: frame(b=[f"=A{i + 2}*2" for i in range(ROWS)]))
file("a folder", lambda folder: folder)
file("no file", lambda folder: folder / "nix.csv")
file("a name with blanks and quotes", lambda folder: _named(folder / 'my "own" data, new.csv'))


def _named(path: Path) -> Path:
    path.write_text(with_())
    return path
