"""Of which kind a table's columns are: numbers, categories, dates, or nothing to learn from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator

from ablate.options.schema import MOST, TableConfig
from ablate.preprocessing.dates import ISO, days_of, form_of, forms, known
from ablate.preprocessing.values import Values, decimal_comma, fast, number, row_of
from ablate.utils.errors import ConfigError, one_of, refuse
from ablate.utils.text import count, cut

USED = ("number", "category", "date")
SETTABLE = (*USED, "ignore")
FEW = 20  # distinct values that are categories though some of them look like numbers or dates
ENOUGH = 10  # rows of which it says something that all values differ
WIDEST = 1_000  # columns that the categories of one may become
LONG = 40  # characters on average: longer ones are sentences
WORDS = 4  # on average
_CODE = re.compile(r"[+-]?0\d+")
_MARKED = re.compile(r"[+-]?\d{1,3}(([, '\u00a0\u202f]\d{3})+(\.\d+)?|(\.\d{3})+,\d+|(\.\d{3}){2,})")
_ID = re.compile(r"(?i:(.*[\W_])?(id|uuid|guid)([\W_].*)?)|.*[a-z](Id|ID)")  # id, patient_id, PassengerId; not valid


@dataclass(frozen=True)
class Column:
    """kind: number, category, date, or, of what is left out: ignored, identifier, constant.

    form: of dates, as pandas takes it. comma: whether a comma in its numbers is a decimal one. why: it is left out.
    low, high: of the training rows' numbers, or of their dates as days since 1970.
    """

    name: str
    kind: Literal["number", "category", "date", "ignored", "identifier", "constant"]
    form: Annotated[str, AfterValidator(known)] = ISO
    comma: bool = False
    why: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def used(self) -> bool:
        return self.kind in USED


def kinds(frame: pd.DataFrame, config: TableConfig) -> tuple[tuple[Column, ...], dict[str, Values]]:
    """The columns, and the values of those that are used.

    frame: the training rows, with names that are text; its index: their places in the table.

    Raises:
        ConfigError: a column can't be used as it is; a key names one that isn't there.
    """
    given = _given(frame.columns, config)
    places = frame.index.to_numpy() if pd.api.types.is_integer_dtype(frame.index.dtype) else None
    columns, read = list[Column](), dict[str, Values]()
    for name in frame.columns:
        if given.get(name) == "ignore":
            columns.append(Column(name, "ignored", why="ignored"))
            continue
        values = Values.of(name, frame[name])
        columns.append(_kind(values, given.get(name), places, config))
        if columns[-1].used:
            read[name] = values
    return tuple(columns), read


def _given(names: Iterable[str], config: TableConfig) -> dict[str, str]:
    """The kinds that the config sets: the key of each column that it names."""
    names, given = list(names), dict[str, str]()
    targets = config.target if isinstance(config.target, list) else [config.target]
    roles = {config.group: "group", config.time: "time", config.weight: "weight"} | dict.fromkeys(targets, "target")
    for key in SETTABLE:
        for name in getattr(config, key):
            if name not in names and name in roles:
                raise refuse(f"dataset.{key}", getattr(config, key), f"{name} is dataset.{roles[name]}, no feature")
            if name not in names:
                raise refuse(f"dataset.{key}", getattr(config, key), f"{name} is no column; {one_of(names, name)}")
            if name in given:
                raise refuse(f"dataset.{key}", getattr(config, key), f"{name} is already in dataset.{given[name]}")
            given[name] = key
    return given


def _kind(values: Values, given: str | None, places: np.ndarray | None, config: TableConfig) -> Column:
    name = values.name
    if values.missing.all():
        return Column(name, "constant", why="empty")
    if values.floats is not None and np.isinf(values.floats).any():
        raise infinite(name, values.floats)
    if values.one and not (values.missing.any() and config.missing == "impute"):
        return Column(name, "constant", why="constant")
    if given is not None:
        found = _set(values, given)
    elif values.categorical:
        found = Column(name, "category")
    elif values.days is not None:
        found = Column(name, "date")
    elif values.floats is not None:
        found = _whole(values, places) or Column(name, "number")
    else:
        found = _of_text(values, places)
    return _joined(found, values, config.rare) if found.kind == "category" else found


def _set(values: Values, key: str) -> Column:
    """A column whose kind the config says."""
    if key == "number":
        return Column(values.name, "number", comma=decimal_comma(values.distinct))
    if key == "category":
        return Column(values.name, "category")
    if values.days is not None:
        return Column(values.name, "date")
    return _date(values.as_text(), digits=True) or _no_date(values)


def _no_date(values: Values) -> Column:
    said = f"{cut(values.as_text().distinct[0])} and the others are no dates of one form"
    raise refuse("dataset.date", [values.name], f"{said}; write them as YYYY-MM-DD")


def _of_text(values: Values, places: np.ndarray | None) -> Column:
    texts, name = values.distinct, values.name
    rows = int((~values.missing).sum())
    comma = decimal_comma(texts)
    floats = fast(texts)
    if floats is None:
        floats = np.array([number(text, comma) for text in texts])
    if any(map(_CODE.fullmatch, texts)):  # 01067 is a name, and so are the others beside it
        floats = np.full(len(texts), np.nan)
    marked = [text for text, value in zip(texts, floats, strict=True) if np.isnan(value)]
    if marked and all(map(_MARKED.fullmatch, marked)):
        said = f"{marked[0]} has marks of thousands, which are not guessed; write numbers without them"
        raise ConfigError(f"column {name}: {said}, or {_way_out(name)}")
    if not np.isnan(floats).any():
        if np.isinf(floats).any():
            raise infinite(name, values.numbers(comma))
        as_numbers = Values(name, values.rows, floats=values.numbers(comma))
        return _whole(as_numbers, places) or Column(name, "number", comma=comma)
    if found := _date(values):
        return found
    alone = len(texts) == rows >= ENOUGH
    if alone or len(texts) > FEW:
        _refuse_mixed(values, ~np.isnan(floats), "numbers")
        likely = next((form for text in texts[:FEW] for form in forms([text])), None)
        if likely:
            _refuse_mixed(values, ~np.isnan(days_of(texts, likely)), "dates")
    words, length = (sum(map(by, texts)) / len(texts) for by in (_words, len))
    sentences = words > WORDS or (words > 1 and length > LONG)
    if alone and not sentences:
        return Column(name, "identifier", why="identifier")
    if sentences and rows >= ENOUGH and len(texts) > rows / 2:
        said = f"is free text ({len(texts):,} different ones in {count(rows, 'row')})"
        raise ConfigError(f"column {name}: {said}; {_way_out(name)}")
    return Column(name, "category")


def _words(text: str) -> int:
    return len(text.split())


def _refuse_mixed(values: Values, fits: np.ndarray, what: str) -> None:
    """Where half of the distinct texts and more are of one kind and others are not."""
    if fits.sum() * 2 < len(fits):
        return
    wrong = np.isin(values.codes, np.flatnonzero(~fits))
    example = f"{cut(values.distinct[np.flatnonzero(~fits)[0]])} in {row_of(values.rows[np.flatnonzero(wrong)[0]])}"
    said = f"holds {what}, but not in {count(int(wrong.sum()), 'row')} of {len(wrong):,} ({example})"
    raise ConfigError(f"column {values.name}: {said}; mend these, or {_way_out(values.name)}")


def _way_out(name: str) -> str:
    return f"leave it out by dataset.ignore=[{name}], or make categories of it by dataset.category=[{name}]"


def infinite(name: str, floats: np.ndarray) -> ConfigError:
    many = f"{count(int(np.isinf(floats).sum()), 'infinite number')} in {len(floats):,} rows"
    return ConfigError(f"column {name}: holds {many}; mend these, or leave it out by dataset.ignore=[{name}]")


def too_large(name: str, floats: np.ndarray) -> ConfigError:
    worst = floats[np.nanargmax(np.abs(floats))]
    allowed = f"must be from {-MOST:g} to {MOST:g}, and fit into 32 bits when it is scaled"
    return ConfigError(f"column {name}: holds numbers that are too large, such as {worst:g}; {allowed}")


def _date(values: Values, digits: bool = False) -> Column | None:
    """A column of dates, if there is a form in which all are. digits: also one that looks like numbers."""
    try:
        form = form_of(values.distinct, digits)
    except ValueError as error:
        raise ConfigError(f"column {values.name}: {error}, or {_way_out(values.name)}") from None
    return Column(values.name, "date", form=form) if form else None


def _whole(values: Values, places: np.ndarray | None) -> Column | None:
    """What whole numbers are that only name rows. Careful: what is left out can't be learnt from.

    All differ, and either the column's name says so, or they count the table's rows from 0 or 1. Numbers that the
    name calls identifiers, but which come again, as those of shops do, are categories.
    """
    floats = np.asarray(values.floats)[~values.missing]
    named = bool(_ID.fullmatch(values.name))
    if (floats != np.floor(floats)).any() or len(floats) < ENOUGH:
        return None
    if len(np.unique(floats)) < len(floats):
        return Column(values.name, "category") if named else None
    steps = set() if places is None else set((floats - places[~values.missing]).tolist())
    counts = len(steps) == 1 and steps <= {0.0, 1.0}
    return Column(values.name, "identifier", why="identifier") if named or counts else None


def _joined(column: Column, values: Values, rare: float) -> Column:
    """The same, or left out, where every category would be joined with the others; refused where too many are not."""
    counts = np.unique(values.as_text().codes, return_counts=True)[1]  # missing ones are a category too
    kept = int((counts >= rare * len(values.missing)).sum())
    if kept > WIDEST:
        allowed = f"makes {kept:,} columns of {column.name}; may make {WIDEST:,}: a larger one joins rare categories"
        raise refuse("dataset.rare", rare, allowed)
    if kept or len(counts) == 1:
        return column
    said = f"{len(counts):,} categories, each with less than {rare:g} of the rows"
    return Column(column.name, "constant", why=said)
