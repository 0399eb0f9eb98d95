"""From a data frame to a source: target, group, time and weight are taken out of its columns; others are features."""

from __future__ import annotations

import datetime
import numbers
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.data import Source
from ablate.data._values import is_missing, told
from ablate.options.schema import TableConfig
from ablate.utils.errors import ConfigError, one_of, refuse
from ablate.utils.text import count, cut, listed

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("target", "group", "time", "weight")
LONGEST_LABEL = 200  # characters


def source_of(
    frame: pd.DataFrame, config: TableConfig, said: Sequence[str] = (), test: pd.DataFrame | None = None
) -> Source:
    """The source of a data frame's rows, by the keys of its dataset.

    test: the rows of a published test part, with the same columns.

    Raises:
        ConfigError: a column is not there, or can't be what it is said to be.
    """
    lines = list(said)
    whole = _part(frame, config, lines, "")
    if test is None:
        return Source(said=lines, **whole)
    other = _part(test, config, lines, "test ")
    if (missing := [name for name in whole["x"].columns if name not in other["x"].columns]) or (
        missing := [name for name in other["x"].columns if name not in whole["x"].columns]
    ):
        raise ConfigError(f"dataset={config.name}: {cut(listed(missing[:5]))}: must be in training and test part alike")
    whole["classes"] = None if other["classes"] is None else whole["classes"]
    return Source(said=lines, test_x=other["x"][list(whole["x"].columns)], test_y=other["y"], **whole)


def _part(frame: pd.DataFrame, config: TableConfig, said: list[str], part: str) -> dict[str, Any]:
    try:
        frame, notes = plain(frame)
    except ConfigError as error:
        raise ConfigError(f"dataset={config.name}: {error}") from None
    said += [f"{note}{f' in the {part}part' * bool(part)}" for note in notes]
    roles = _roles(frame, config)
    frame = _complete(frame, roles, config, said, part)
    x = frame.drop(columns=[name for names in roles.values() for name in names])
    if not len(x.columns):
        raise refuse(
            "dataset.target",
            config.target,
            f"leaves no column to learn from; the table has {count(len(frame.columns), 'column')}",
        )
    found = _target(frame, roles["target"], config)
    found |= {"x": x, "target": ", ".join(roles["target"])}
    if names := roles.get("group"):
        found["group"] = frame[names[0]].to_numpy()
    if names := roles.get("time"):
        found["time"] = frame[names[0]].to_numpy()
    if names := roles.get("weight"):
        found["weight"] = _weight(frame[names[0]])
    return found


def _roles(frame: pd.DataFrame, config: TableConfig) -> dict[str, list[str]]:
    """The columns that are no features, by what they are."""
    if config.target in (None, []):
        raise refuse("dataset.target", config.target, f"the column that is to be predicted; {one_of(frame.columns)}")
    roles: dict[str, list[str]] = {}
    for role in ROLES:
        given = getattr(config, role)
        names = given if isinstance(given, list) else [] if given is None else [given]
        for name in names:
            if name not in frame.columns:
                raise refuse(f"dataset.{role}", name, one_of(frame.columns, name))
            if other := [known for known, taken in roles.items() if name in taken]:
                raise refuse(f"dataset.{role}", name, f"is the {other[0]} already")
            roles.setdefault(role, []).append(name)
    return roles


def plain(frame: pd.DataFrame, used: Collection[str] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """A frame whose columns are, each, int64, float64, bool, datetime64, a category or text with NaN; names are text.
    Blanks within text are made one. And lines about what was read as missing.

    used: names of the columns that are read so, if not all; the others stay as they are.

    Raises:
        ConfigError: a column holds something else; two have one name.
    """
    import pandas as pd

    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if twice := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
        raise ConfigError(f"has more than one column of the name {cut(listed(twice[:5]))}")
    columns: dict[str, Any] = {}
    missing: Counter[str] = Counter()
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        try:
            columns[name] = _plain_column(column, missing) if used is None or name in used else column.array
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigError(f"column {cut(name)} {error}") from None
    return pd.DataFrame(columns, index=range(len(frame))), told(missing)


def _plain_column(column: pd.Series[Any], missing: Counter[str]) -> Any:
    """[n]. missing: is told the texts that stand for missing values.

    Raises:
        ValueError: what it holds, where that is no number, date or text.
    """
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):  # whose categories may be called 1, 2, 3: they are no numbers
        return pd.Categorical(_texts(column.cat.codes.to_numpy(), [str(name) for name in kind.categories], missing))
    if pd.api.types.is_bool_dtype(kind) and not column.isna().any():
        return column.to_numpy(dtype=bool)
    if pd.api.types.is_complex_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        raise ValueError(f"is of type {kind}; must be numbers, dates or text")
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        whole = pd.api.types.is_integer_dtype(kind) and not column.isna().any()
        return column.to_numpy(dtype=np.int64) if whole else column.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_datetime64_any_dtype(kind):
        return _without_zone(column).to_numpy(dtype="datetime64[us]")
    values = np.array(column, dtype=object)
    text = np.fromiter((isinstance(value, str) for value in values), dtype=bool, count=len(values))
    codes, distinct = pd.factorize(values[text])
    values[text] = _texts(codes, distinct.tolist(), missing)
    return _of_objects(values, pd.notna(values))


def _texts(codes: np.ndarray, distinct: Sequence[str], missing: Counter[str]) -> np.ndarray:
    """[n], object: texts, blanks within them made one, and NaN for what is missing, of code -1 or written as such."""
    found: list[Any] = [" ".join(text.split()) for text in distinct]
    times = np.bincount(codes[codes >= 0], minlength=len(found))
    for place, text in enumerate(found):
        if is_missing(text):
            missing[text] += int(times[place])
            found[place] = np.nan
    return np.array([*found, np.nan], dtype=object)[codes]


def _without_zone(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(column.dt, "tz", None) is not None else column


def _of_objects(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    import pandas as pd

    kinds = {type(value) for value in values[there]}
    if odd := [
        kind
        for kind in kinds
        if not issubclass(kind, str | bool | np.bool_ | numbers.Number | datetime.date) or issubclass(kind, complex)
    ]:
        raise ValueError(f"holds values of type {odd[0].__name__}; must be numbers, dates or text")
    if not kinds:
        return np.full(len(values), np.nan)
    if all(issubclass(kind, bool | np.bool_) for kind in kinds) and there.all():
        return values.astype(bool)
    if all(issubclass(kind, numbers.Number) and not issubclass(kind, bool) for kind in kinds):
        whole = all(issubclass(kind, numbers.Integral) for kind in kinds) and there.all()
        return np.array([(int if whole else float)(v) if t else np.nan for v, t in zip(values, there, strict=True)])
    if all(issubclass(kind, datetime.date) for kind in kinds):
        found = pd.Series(pd.to_datetime(pd.Series(values).where(there, None), utc=True))
        return found.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    text = [" ".join(str(v).split()) if t else np.nan for v, t in zip(values, there, strict=True)]
    return np.array(text, dtype=object)


def _complete(
    frame: pd.DataFrame, roles: dict[str, list[str]], config: TableConfig, said: list[str], part: str
) -> pd.DataFrame:
    """The rows that have a target, and a group, a time and a weight where these are columns."""
    for role, names in roles.items():
        without = frame[names].isna().any(axis=1).to_numpy()
        if not (n := int(without.sum())):
            continue
        told = f"{n:,} of {len(frame):,} {part}rows have no {role} ({cut(', '.join(names))})"
        if config.missing == "refuse" or n == len(frame):
            rest = "" if n == len(frame) else "; dataset.missing=drop leaves them out"
            raise refuse(f"dataset.{role}", getattr(config, role), f"{told}{rest}")
        said.append(f"{told}; they are left out")
        frame = frame[~without].reset_index(drop=True)
    return frame


def _target(frame: pd.DataFrame, names: list[str], config: TableConfig) -> dict[str, Any]:
    """y, and what is known of it."""
    columns = [frame[name].to_numpy() for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.dtype.kind == "M":
            raise refuse("dataset.target", config.target, f"{name} holds dates; must be classes or numbers")
        if column.dtype.kind == "f" and (odd := int(np.isinf(column).sum())):
            raise refuse("dataset.target", config.target, f"{name} is infinite in {odd:,} of {len(column):,} rows")
        if column.dtype.kind == "O" and (longest := max(map(len, column))) > LONGEST_LABEL:
            raise refuse(
                "dataset.target",
                config.target,
                f"{name} holds texts of up to {longest:,} characters; must be classes or numbers",
            )
    if len(names) > 1:
        for name, column in zip(names, columns, strict=True):
            if column.dtype.kind not in "biuf":
                allowed = f"{name} is text ({cut(column[0])}, …); several targets must be numbers, or 0 and 1"
                raise refuse("dataset.target", config.target, allowed)
        whole = all(column.dtype.kind in "biu" for column in columns)
        y = np.stack(columns, axis=1).astype(np.int64 if whole else np.float64)
        return {"y": y, "classes": None, "labels": tuple(names)}
    (y,) = columns
    if y.dtype.kind == "b":
        return {"y": y.astype(np.int64), "classes": 2, "labels": ("False", "True")}
    return {"y": y.astype(str) if y.dtype.kind == "O" else y, "classes": None}


def _weight(column: pd.Series[Any]) -> np.ndarray:
    values = column.to_numpy()
    if values.dtype.kind not in "iuf":
        raise refuse("dataset.weight", column.name, "must be a column of numbers")
    if odd := int((~(np.isfinite(values) & (values > 0))).sum()):
        raise refuse(
            "dataset.weight", column.name, f"is not above 0, or not finite, in {odd:,} of {len(values):,} rows"
        )
    return values.astype(np.float64)
