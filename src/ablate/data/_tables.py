"""Tables in files: CSV and its kin, Parquet, Excel, as data frames. What was found out about a file is told."""

from __future__ import annotations

import csv
import io
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ablate.data import _text
from ablate.data._values import typed
from ablate.utils import files, memory
from ablate.utils.errors import ConfigError, one_line, one_of, refuse
from ablate.utils.text import count, cut, line, listed

if TYPE_CHECKING:
    import pandas as pd

Separator = Literal["auto", "comma", "semicolon", "tab", "pipe", "space"]
Decimal = Literal["auto", "point", "comma"]
Quote = Literal["auto", "double", "single", "none"]

PARQUET, EXCEL = (".parquet", ".pq"), (".xlsx", ".xlsm")
TAKES = 12  # bytes of memory for one of a text
INSTALL = "pip install 'ablate-harness[tables]'"


def read(
    given: str,
    separator: str = "auto",
    decimal: str = "auto",
    encoding: str = "auto",
    quote: str = "auto",
    sheet: str | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """The table in a file: columns of numbers, where every value is one, of dates where a file has such, else of text;
    NaN where a value is missing. And lines about how it was read.

    Raises:
        ConfigError: there is no such file, or it holds no table.
    """
    path = Path(given).expanduser()
    try:
        if path.is_dir():
            raise refuse("dataset.path", given, "is a folder; must be a file with a table")
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        return _read(path.absolute(), stamp, separator, decimal, encoding, quote, sheet)
    except FileNotFoundError:
        raise refuse("dataset.path", given, "there is no such file") from None
    except OSError as error:
        raise refuse("dataset.path", given, f"can't be read: {error.strerror or error}") from None
    except ValueError as error:
        raise refuse("dataset.path", given, one_line(error).partition(": ")[2]) from None


def kind(path: str | Path) -> Literal["text", "Parquet", "Excel"]:
    """What a file is, by its ending."""
    ending = Path(path).suffix.lower()
    return "Parquet" if ending in PARQUET else "Excel" if ending in EXCEL else "text"


@lru_cache(maxsize=2)
def _read(
    path: Path, stamp: tuple[int, int], separator: str, decimal: str, encoding: str, quote: str, sheet: str | None
) -> tuple[pd.DataFrame, list[str]]:
    if kind(path) == "Parquet":
        frame, how = _parquet(path)
    elif kind(path) == "Excel":
        frame, how = _excel(path, sheet)
    else:
        frame, how = _csv(path, separator, decimal, encoding, quote)
    if not len(frame):
        raise ValueError("holds no rows")
    rows, columns = count(len(frame), "row"), count(len(frame.columns), "column")
    return frame, ["; ".join([f"{line(path.name)}: {rows}, {columns}", *how])]


def _csv(path: Path, separator: str, decimal: str, encoding: str, quote: str) -> tuple[pd.DataFrame, list[str]]:
    import pandas as pd

    with files.opened(path) as file:
        memory.demand(f"dataset.path={path.name}: its columns", TAKES * file.size)
        content = _text.unpacked(file.part(0, file.size))
    if not content.strip():
        raise ValueError("is empty")
    memory.demand(f"dataset.path={path.name}: its columns", TAKES * len(content))
    text, found = _text.decoded(content, encoding)
    with _text.long_fields():
        one = _text.dialect(text, separator, quote)
        text = _text.without(text, one.skip)
        if one.separator == " ":
            text = _text.trimmed(text)
        names, rows, trailing = _text.table(text, one)
    names, unnamed = _text.named(names)
    if not rows:
        raise ValueError("holds no rows")
    raw = pd.read_csv(
        io.StringIO(text, newline=""),
        sep=one.separator,
        header=None,
        names=range(len(names) + trailing),
        index_col=False,
        dtype=object,
        na_filter=False,
        quotechar=one.quote or '"',
        quoting=csv.QUOTE_NONE if one.quote is None else csv.QUOTE_MINIMAL,
        skipinitialspace=True,
    ).iloc[1:]  # the names
    frame, comma, notes = typed({name: raw[place] for place, name in enumerate(names)}, decimal)
    how = [f"separated by {one.name}" if one.separator != _text.NONE else "a single column"]
    how[0] += ", decimal commas" if comma else ""
    how[0] += ", single quotes" if one.quote == "'" else ""
    how[0] += f", {found}" if found != "utf-8" else ""
    if one.skip:
        how.append(f"{count(one.skip, 'line')} above the names left out")
    if trailing:
        how.append(f"each row ends in one of the {one.name} too many")
    if empty := [name for name in unnamed if frame[name].isna().all()]:
        frame = frame.drop(columns=empty)
        how.append(f"{count(len(empty), 'column')} without name and values left out")
    if unnamed := [name for name in unnamed if name not in empty]:
        how.append(f"{cut(listed(unnamed))} without a name in the file")
    return frame, how + notes


def _parquet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    import pandas as pd

    try:
        import pyarrow.parquet  # noqa: F401  (what pandas reads it by)
    except ImportError:
        raise ValueError(f"is read by pyarrow, which is not installed: {INSTALL}") from None
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except Exception as error:  # whatever pyarrow stumbles over
        raise ValueError(f"is no Parquet file that can be read: {one_line(error)}") from None
    if any(name is not None for name in frame.index.names):  # a column too
        return frame.reset_index(), []
    ranged = isinstance(frame.index, pd.RangeIndex)
    return frame.reset_index(drop=True), [] if ranged else ["names of rows left out"]


def _excel(path: Path, sheet: str | None) -> tuple[pd.DataFrame, list[str]]:
    """A sheet, the first where none is named, with its names in the first row."""
    import pandas as pd

    try:
        import openpyxl
    except ImportError:
        raise ValueError(f"is read by openpyxl, which is not installed: {INSTALL}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a sheet has beside its values
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                sheets = {one.title: one for one in book.worksheets}
                if sheet is not None and sheet not in sheets:
                    raise refuse("dataset.sheet", sheet, one_of(sheets, sheet))
                chosen = sheets[sheet] if sheet is not None else next(iter(sheets.values()))
                rows = [list(row) for row in chosen.iter_rows(values_only=True)]
            finally:
                book.close()
    except ConfigError:
        raise
    except Exception as error:  # whatever openpyxl stumbles over
        raise ValueError(f"is no Excel file that can be read: {one_line(error)}") from None
    rows = [row for row in rows if any(cell is not None for cell in row)]
    if not rows:
        raise ValueError(f"its sheet {chosen.title} is empty")
    width = max(max(i for i, cell in enumerate(row) if cell is not None) for row in rows) + 1
    names, unnamed = _text.named(["" if cell is None else str(cell) for cell in (rows[0] + [None] * width)[:width]])
    frame = pd.DataFrame(
        {name: pd.Series([(row + [None] * width)[i] for row in rows[1:]], dtype=object) for i, name in enumerate(names)}
    )
    how = [f"sheet {chosen.title}" + (f" of {len(sheets)}" if len(sheets) > 1 else "")]
    if unnamed:
        how.append(f"{cut(listed(unnamed))} without a name in the file")
    return frame, how
