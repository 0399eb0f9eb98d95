"""What stands in a column of a data frame, read as numbers, as text or as dates, whatever type pandas gave it."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ablate.preprocessing.dates import DAY, FORMS, days, days_of
from ablate.utils.errors import ConfigError
from ablate.utils.text import cut

_WRITTEN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")  # 007 is a name
_COMMA = re.compile(r"[+-]?\d*,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")  # 1,500: with a decimal comma 1.5, else 1500
_TRUTHS = {"true", "false"}
_KNOWN = (str, bool, int, float, decimal.Decimal, datetime.date, datetime.time, np.number, np.bool_)


@dataclass(frozen=True)
class Values:
    """A column's values.

    floats: [n], NaN where missing, of numbers; days: [n] since 1970, of dates; else None.
    codes: [n], the place of each value in `distinct`, -1 where missing, of all else. rows: [n], the names of the rows.
    """

    name: str
    rows: pd.Index
    floats: np.ndarray | None = None
    days: np.ndarray | None = None
    codes: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    distinct: Sequence[str] = ()
    categorical: bool = False  # pandas has it so

    @classmethod
    def of(cls, name: str, column: pd.Series) -> Values:
        """
        Raises:
            ConfigError: it holds what is neither number, text nor date.
        """
        rows, kind = column.index, column.dtype
        if isinstance(kind, pd.CategoricalDtype):
            return replace(cls.of(name, column.astype(object)), categorical=True)
        if isinstance(kind, pd.PeriodDtype):
            column = column.dt.to_timestamp()
        elif pd.api.types.is_timedelta64_dtype(kind):
            column = column.dt.total_seconds() / 86_400
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return cls(name, rows, days=days(column))
        if pd.api.types.is_complex_dtype(column.dtype):
            raise ConfigError(f"column {name}: holds complex numbers; leave it out by dataset.ignore=[{name}]")
        if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
            return cls(name, rows, floats=column.to_numpy(dtype=np.float64, na_value=np.nan))
        there = ~column.isna().to_numpy(dtype=bool)
        objects = column.to_numpy(dtype=object)[there]
        kinds_of = set(map(type, objects))
        if odd := {kind for kind in kinds_of if not issubclass(kind, _KNOWN)}:
            row = rows[there][next(i for i, value in enumerate(objects) if type(value) in odd)]
            said = f"holds a {next(iter(odd)).__name__} in {row_of(row)}; must be a number, text or a date"
            raise ConfigError(f"column {name}: {said}")
        codes = np.full(len(column), -1)
        if kinds_of == {str}:  # the same text often: what it is like is asked once of each
            codes[there], distinct = pd.factorize(objects)
            again, distinct = pd.factorize(_texts(distinct))
            codes[there] = again[codes[there]]
        else:  # 1, 1.0 and true would be one
            codes[there], distinct = pd.factorize(_texts(objects))
        return cls(name, rows, codes=codes, distinct=distinct.tolist())

    @cached_property
    def missing(self) -> np.ndarray:
        """[n], whether a value is missing."""
        known = self.floats if self.floats is not None else self.days
        return np.isnan(known) if known is not None else self.codes < 0

    @cached_property
    def one(self) -> bool:
        """Whether all that are there are the same."""
        known = self.floats if self.floats is not None else self.days
        return len(self.as_text().distinct) == 1 if known is None else bool(np.nanmin(known) == np.nanmax(known))

    def numbers(self, comma: bool) -> np.ndarray:
        """[n], NaN where missing. comma: 1,500 is 1.5; without, it can't be told. Of dates: days since 1970.

        Raises:
            ConfigError: a value is no number.
        """
        if self.floats is not None:
            return self.floats
        if self.days is not None:
            raise ConfigError(f"column {self.name}: holds dates; must be numbers")
        values = fast(self.distinct)
        if values is None:
            values = np.array([number(text, comma) for text in self.distinct])
        return self._taken(values, "number")

    def dates(self, form: str) -> np.ndarray:
        """[n], days since 1970, NaN where missing. form: as pandas takes it.

        Raises:
            ConfigError: a value is no such date.
        """
        if self.days is not None:
            return self.days
        texts = self.as_text() if self.floats is not None else self
        return texts._taken(days_of(texts.distinct, form), f"date ({FORMS.get(form, form)})")

    def as_text(self) -> Values:
        """The same as text: whole numbers without a point, dates as YYYY-MM-DD. 1, 1.0 and `1` are one."""
        codes, distinct = self.codes, list(self.distinct)
        found = self.floats if self.floats is not None else self.days
        if found is not None:
            codes, values = pd.factorize(found)  # NaN is -1
            distinct = [_plain(value) if found is self.floats else iso(value) for value in values.tolist()]
        names_of, names = pd.factorize(np.array([_name(text) for text in distinct], dtype=object))
        return Values(self.name, self.rows, codes=np.append(names_of, -1)[codes], distinct=names.tolist())

    def texts(self) -> np.ndarray:
        """[n] of text, None where missing."""
        found = self.as_text()
        return np.array([*found.distinct, None], dtype=object)[found.codes]

    def _taken(self, values: np.ndarray, what: str) -> np.ndarray:
        """[n] of what was read of the distinct texts, where NaN is none."""
        if (wrong := np.flatnonzero(np.isnan(values))).size:
            where = row_of(self.rows[np.flatnonzero(np.isin(self.codes, wrong))[0]])
            text = cut(self.distinct[wrong[0]])
            raise ConfigError(f"column {self.name}: {text} in {where} is no {what}")
        return np.append(values, np.nan)[self.codes]


def row_of(label: Any) -> str:
    """A row as people count them: the first is 1."""
    return f"row {int(label) + 1}" if isinstance(label, int | np.integer) else f"row {cut(str(label))}"


def number(text: str, comma: bool) -> float:
    """A number as it is written, or NaN. comma: 1,500 is 1.5; without, it is none, for it could be 1500."""
    if _COMMA.fullmatch(text) and (comma or not _THOUSANDS.fullmatch(text)):
        text = text.replace(",", ".")
    try:
        return float(text) if "_" not in text else np.nan
    except ValueError:
        return np.nan


def fast(texts: Sequence[str]) -> np.ndarray | None:
    """The same of all at once, or None where one has a comma or is no number."""
    try:
        return None if any("_" in text for text in texts) else np.array(texts, dtype=object).astype(np.float64)
    except ValueError:
        return None


def decimal_comma(texts: Sequence[str]) -> bool:
    """Whether a comma in these is a decimal one: no point beside it, and not only groups of three figures after it."""
    there = [text for text in texts if "," in text]
    unlike = [text for text in there if not _THOUSANDS.fullmatch(text)]
    return bool(unlike) and not any("." in text for text in texts)


def _plain(value: float) -> str:
    return f"{value or 0:.0f}" if value.is_integer() and abs(value) < 1e21 else repr(value)


def iso(days: float) -> str:
    """A moment as text, in days since 1970; without a time where that is midnight."""
    moment = np.datetime64(round(days * DAY), "us")
    text = str(moment)
    return text.removesuffix("T00:00:00.000000")


def _texts(values: np.ndarray) -> np.ndarray:
    return np.fromiter(map(_text, values), dtype=object, count=len(values))


def _text(value: Any) -> str:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).strip()


def _name(text: str) -> str:
    """A category's: numbers and truths are written in more than one way."""
    if text.lower() in _TRUTHS:
        return text.lower()
    if _WRITTEN.fullmatch(text):
        whole, _, part = text.partition(".")
        return whole if not part.strip("0") else f"{whole}.{part.rstrip('0')}"
    return text
