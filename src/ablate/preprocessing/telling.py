"""What is to be told of a table's columns: what becomes of them, and what new rows have that training had not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ablate.preprocessing.columns import Columns
from ablate.preprocessing.dates import FORMS
from ablate.preprocessing.kinds import Column
from ablate.preprocessing.values import Values, iso
from ablate.utils.text import count, cut, listed

NAMED = 3  # unseen categories that are named
WORST = 5  # columns that are named whose values lie outside of training's


def described(columns: Columns) -> list[dict[str, Any]]:
    """What becomes of every column that is used, in plain values, for those who do the same elsewhere.

    Of numbers and dates the median that fills them in and the figures by which they are scaled, by scikit-learn's names
    (of `quantile` none: these are too many); of categories these, in the order of their features.
    """
    return [_described(column, columns.transformer) for column in columns.columns if column.used]


def met(columns: Columns, frame: pd.DataFrame) -> Iterator[str]:
    """Lines about rows that were transformed: missing values, categories and numbers that training had not."""
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    known = _categories(columns.transformer)
    outside = list[tuple[float, str]]()
    for column in columns.columns:
        if not column.used:
            continue
        values = Values.of(column.name, frame[column.name])
        if n := int(values.missing.sum()):
            yield f"column {column.name}: {count(n, 'missing value')} filled in"
        if column.name in known:
            texts = pd.Series(values.texts(), dtype=object).dropna()
            unseen = texts[~texts.isin(known[column.name])]
            if len(unseen):
                names = cut(listed([*unseen.unique()[:NAMED], *["…"] * (unseen.nunique() > NAMED)]))
                yield f"column {column.name}: {count(len(unseen), 'row')} of a category that training had not ({names})"
        outside += _outside(column, values)
    if outside:
        worst = [said for _, said in sorted(outside, key=lambda each: -each[0])]
        more = [f"and {count(len(worst) - WORST, 'column')} more"] * (len(worst) > WORST)
        yield "; ".join(worst[:WORST] + more)


def _outside(column: Column, values: Values) -> Iterator[tuple[float, str]]:
    """How far values lie outside of training's, as a share of the range of these, and a line about them."""
    if column.low is None or column.high is None:
        return
    found = values.dates(column.form) if column.kind == "date" else values.numbers(column.comma)
    found = found[~np.isnan(found)]
    beyond = np.maximum(column.low - found, found - column.high)
    if n := int((beyond > 0).sum()):
        shown = iso if column.kind == "date" else "{:.6g}".format
        of = f"{n:,} of {count(len(found), 'value')} outside of training's"
        said = f"{column.name}: {of} {shown(column.low)} to {shown(column.high)}"
        yield float(beyond.max()) / ((column.high - column.low) or 1), said


def _categories(transformer: Any) -> dict[str, list[Any]]:
    """The categories of the training rows, of each column that has some."""
    for step, fitted, given in transformer.transformers_:
        if step == "categories":
            return {name: known.tolist() for name, known in zip(given, fitted.categories_, strict=True)}
    return {}


def _described(column: Column, transformer: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"name": column.name, "kind": column.kind}
    if column.kind == "date":
        said |= {"form": FORMS[column.form], "read as": "days since 1970"}
    for step, fitted, given in transformer.transformers_:
        if column.name not in given:
            continue
        at = list(given).index(column.name)
        if step == "numbers":
            scaler = fitted["scale"]
            said["median"] = float(fitted["impute"].statistics_[at])
            said["scaling"] = "none" if isinstance(scaler, str) else type(scaler).__name__
            figures = ((name, getattr(scaler, name, None)) for name in ("mean_", "center_", "scale_", "min_"))
            said |= {name: float(values[at]) for name, values in figures if values is not None}
        elif step == "missing":
            said["missing"] = "has a feature of its own"
        elif step == "categories":
            rare = None if fitted.min_frequency is None else fitted.infrequent_categories_[at]
            joined = set() if rare is None else set(rare.tolist())
            said["categories"] = [text for text in fitted.categories_[at].tolist() if text not in joined]
            said["joined"] = [text for text in fitted.categories_[at].tolist() if text in joined]
    return said
