"""How rows of a table become numbers: found out from the training rows alone, by scikit-learn, and saved as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ablate.options.schema import MOST, DatasetConfig, Schema, TableConfig
from ablate.preprocessing import encoding, plain
from ablate.preprocessing.dates import FORMS
from ablate.preprocessing.kinds import Column, infinite, kinds, too_large
from ablate.preprocessing.values import Values, row_of
from ablate.utils.errors import ConfigError, one_line, one_of, refuse
from ablate.utils.text import count, cut, line, listed

FORMAT: Final = 1  # of what is saved
NAMED = 10  # at most, of the columns that a table has instead of one that is missing
CHOICES = "dataset.missing=impute fills them in, dataset.missing=drop leaves such rows out"


class _Saved(Schema):
    """What is saved of `Columns`. sklearn: the version; outcome: the features of the example."""

    format: Literal[1]
    sklearn: str
    columns: list[Column]
    features: list[str]
    said: list[str]
    imputes: bool
    example: dict[str, float | str | None]
    outcome: list[float]
    transformer: Any

    @property
    def otherwise(self) -> str:
        """Why it may be that they can't be used."""
        import sklearn

        here = sklearn.__version__
        return "" if self.sklearn == here else f"saved with scikit-learn {self.sklearn}, this is {here}: "


@dataclass(frozen=True)
class Columns:
    """Fitted to training rows.

    columns: all of the table, in its order; features: the names of what comes out; said: what became of every column,
    for the person who typed the command; imputes: whether missing values are filled in; example: a made-up row, of
    medians and first categories, and its features, by which a saved one is tried.
    """

    columns: tuple[Column, ...]
    features: tuple[str, ...]
    said: tuple[str, ...]
    imputes: bool
    transformer: Any
    example: dict[str, Any]

    @classmethod
    def fit(cls, frame: pd.DataFrame, config: DatasetConfig) -> Columns:
        """frame: the training rows; its index: their places in the table.

        Raises:
            ConfigError: names a column that can't be used as it is, or a key.
        """
        keys = _keys(config)
        frame = _named(frame)
        found, values = kinds(frame, keys)
        if not any(column.used for column in found):
            raise ConfigError(f"dataset={config.name}: no column is left to learn from; {'; '.join(_left_out(found))}")
        imputes = keys.missing == "impute"
        read = _read(values, found, imputes)
        for column in found:
            if column.kind in ("number", "date") and np.nanmax(np.abs(read[column.name])) > MOST:
                raise too_large(column.name, read[column.name].to_numpy())
        transformer = encoding.unfitted(read, found, keys)
        with np.errstate(all="ignore"):  # what gets too large is refused when it is used
            transformer.fit(read)
        names, encoded = encoding.features(transformer)
        found = tuple(_ranged(column, read) for column in found)
        example = {name: _typical(read[name]) for name in read.columns}
        return cls(found, names, tuple(_said(found, encoded)), imputes, transformer, example)

    @property
    def kinds(self) -> dict[str, str]:
        """Of every column, in the table's order: number, category, date, ignored, identifier or constant."""
        return {column.name: column.kind for column in self.columns}

    def unknown(self, frame: pd.DataFrame) -> list[str]:
        """The columns of a table that were not there in training: they are of no use."""
        known = self.kinds
        return [str(name) for name in frame.columns if str(name) not in known]

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """float32 [n, features], in the order of the rows.

        Raises:
            ConfigError: a column is missing, or a value isn't what the training rows have there.
        """
        frame = _named(frame)
        wanted = [column for column in self.columns if column.used]
        if lacking := [column.name for column in wanted if column.name not in frame.columns]:
            raise ConfigError(_lacking(lacking, self.unknown(frame)))
        if not len(frame):
            return np.empty((0, len(self.features)), np.float32)
        values = {column.name: Values.of(column.name, frame[column.name]) for column in wanted}
        return self._numbers(_read(values, wanted, self.imputes))

    def _numbers(self, read: pd.DataFrame) -> np.ndarray:
        try:
            with np.errstate(all="ignore"):
                exact = np.asarray(self.transformer.transform(read), dtype=np.float64)
                found = exact.astype(np.float32)
        except Exception as error:  # whatever a state leads to that was tampered with
            raise ConfigError(f"the table's columns can't be used: {one_line(error)}") from None
        if not np.isfinite(found).all():
            name = self.features[np.flatnonzero(~np.isfinite(found).all(axis=0))[0]]
            raise too_large(name, read[name].to_numpy())
        return found

    def dumps(self) -> bytes:
        """As JSON; equal ones are equal bytes."""
        import sklearn

        saved = {
            "format": FORMAT,
            "sklearn": sklearn.__version__,
            "columns": [asdict(column) for column in self.columns],
            "features": list(self.features),
            "said": list(self.said),
            "imputes": self.imputes,
            "example": self.example,
            "outcome": self._numbers(_frame(self.example))[0].tolist(),
            "transformer": plain.encode(self.transformer),
        }
        return json.dumps(saved, indent=None, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def loads(cls, content: bytes) -> Columns:
        """What `dumps` gave; nothing that it holds is run.

        Raises:
            ConfigError: it is damaged, of another format, or was saved by a version of scikit-learn that gives others.
        """
        try:
            saved = _Saved.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            said = f"{'.'.join(map(str, first['loc']))} {first['msg']}"
            raise ConfigError(f"the table's columns can't be read: {line(said)}") from None
        features = tuple(saved.features)
        try:
            fitted = plain.decode(saved.transformer)
            encoding.check(fitted, saved.columns, features)
            found = cls(tuple(saved.columns), features, tuple(saved.said), saved.imputes, fitted, saved.example)
            given = found._numbers(_frame(found.example))[0]
        except Exception as error:  # whatever a state leads to that was tampered with
            raise ConfigError(f"the table's columns can't be read: {saved.otherwise}{one_line(error)}") from None
        same = len(given) == len(features) == len(saved.outcome)
        if not same or not np.allclose(given, saved.outcome, rtol=1e-4, atol=1e-6):  # processors differ in last bits
            said = f"{saved.otherwise}a row becomes other numbers than it did when they were saved"
            raise ConfigError(f"the table's columns can't be used: {said}")
        return found


def _lacking(names: Sequence[str], others: Sequence[str]) -> str:
    """others: what the table has instead; named where that helps."""
    if len(names) == 1:
        said = f"column {names[0]}: is missing, and was there in training"
    else:
        said = f"columns {cut(listed(names))}: are missing, and were there in training"
    return f"{said}; {one_of(others, names[0])}" if 0 < len(others) <= NAMED else said


def missing(frame: pd.DataFrame, config: DatasetConfig) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which rows are kept, [n] of bool, and what is to be said of that: before the split.

    Raises:
        ConfigError: values are missing, and nothing says what is to become of them.
    """
    keys = _keys(config)
    frame = _named(frame)
    gaps = {name: Values.of(name, frame[name]).missing for name in frame.columns if name not in keys.ignore}
    gaps = {name: there for name, there in gaps.items() if there.any() and not there.all()}  # an empty one is left out
    if not gaps:
        return np.ones(len(frame), dtype=bool), ()
    rows = np.logical_or.reduce(list(gaps.values()))
    of = ", ".join(f"{name} ({int(there.sum()):,})" for name, there in gaps.items())
    if keys.missing == "impute":
        said = f"{count(int(rows.sum()), 'row')} of {len(rows):,} lack values, which are filled in: {of}"
        return np.ones(len(frame), dtype=bool), (said,)
    if keys.missing == "refuse":
        said = f"{count(int(rows.sum()), 'row')} of {len(rows):,} lack values, in {of}; {CHOICES}"
        raise refuse("dataset.missing", "refuse", said)
    if rows.all():
        raise refuse("dataset.missing", "drop", f"leaves no row: values are missing in {of}")
    return ~rows, (f"{count(int(rows.sum()), 'row')} of {len(rows):,} left out, for values are missing: {of}",)


def _keys(config: DatasetConfig) -> TableConfig:
    """The keys of tables, of a data frame whose config has none of them too."""
    if isinstance(config, TableConfig):
        return config
    return TableConfig.model_construct(**{name: getattr(config, name) for name in DatasetConfig.model_fields})


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """With names that are text, and differ."""
    names = pd.Index([str(name) for name in frame.columns], dtype=object)
    if not names.is_unique:
        raise ConfigError(f"column {names[names.duplicated()][0]}: is there twice; names must differ")
    return frame.set_axis(names, axis=1)


def _read(values: Mapping[str, Values], columns: Sequence[Column], imputes: bool) -> pd.DataFrame:
    """The columns that are used: numbers and dates as float64, NaN where missing; categories as text or None."""
    read = {}
    for column in columns:
        if not column.used:
            continue
        found = values[column.name]
        if not imputes and found.missing.any():
            row = row_of(found.rows[np.flatnonzero(found.missing)[0]])
            said = "without dataset.missing=impute in training, every row must have one"
            raise ConfigError(f"column {column.name}: {row} lacks a value; {said}")
        if column.kind == "category":
            read[column.name] = found.texts()
            continue
        floats = found.dates(column.form) if column.kind == "date" else found.numbers(column.comma)
        if np.isinf(floats).any():
            raise infinite(column.name, floats)
        read[column.name] = floats
    return _frame(read)


def _frame(read: Mapping[str, Any]) -> pd.DataFrame:
    """Text as objects, whatever type pandas would give it. A plain value is a frame of one row."""
    series = {}
    for name, values in read.items():
        array = values if isinstance(values, np.ndarray) else np.array([values], object if _is_text(values) else float)
        series[name] = pd.Series(array, dtype=array.dtype)
    return pd.DataFrame(series)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _typical(column: pd.Series) -> Any:
    if column.dtype == object:
        return min((text for text in column.unique() if text is not None), default=None)
    return float(column.median())


def _ranged(column: Column, read: pd.DataFrame) -> Column:
    """With the least and the largest of its numbers or dates."""
    if column.kind not in ("number", "date"):
        return column
    return replace(column, low=float(read[column.name].min()), high=float(read[column.name].max()))


def _said(columns: Sequence[Column], encoded: dict[str, tuple[int, int]]) -> list[str]:
    """A line a kind; every column stands in one."""
    of: dict[str, list[str]] = {"numbers": [], "categories": [], "dates": []}
    for column in columns:
        if column.kind == "number":
            of["numbers"].append(column.name)
        elif column.kind == "date":
            of["dates"].append(f"{column.name} ({FORMS[column.form]})")
        elif column.kind == "category":
            kept, joined = encoded[column.name]
            many = f"{kept - 1 + joined:,}, {joined:,} rare ones joined" if joined else f"{kept:,}"
            of["categories"].append(f"{column.name} ({many})")
    return [f"{kind} ({len(each)}): {', '.join(each)}" for kind, each in of.items() if each] + _left_out(columns)


def _left_out(columns: Sequence[Column]) -> list[str]:
    out = [f"{column.name} ({column.why})" for column in columns if not column.used]
    return [f"left out ({len(out)}): {', '.join(out)}"] if out else []
