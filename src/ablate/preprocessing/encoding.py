"""The transformation of a table's columns by scikit-learn, and the names of what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablate.options.schema import TableConfig
from ablate.preprocessing.kinds import Column
from ablate.utils.text import cut

QUANTILES = 1_000  # at most, of `scaling=quantile`


def unfitted(read: pd.DataFrame, columns: Sequence[Column], keys: TableConfig) -> Any:
    """Not fitted yet. What comes out: numbers and dates in the table's order; where they were missing; categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, QuantileTransformer, RobustScaler, StandardScaler

    scalers = {
        "standard": StandardScaler,
        "robust": RobustScaler,
        "unit": MinMaxScaler,
        "quantile": lambda: QuantileTransformer(
            n_quantiles=min(QUANTILES, len(read)), output_distribution="normal", subsample=None
        ),
        "none": lambda: "passthrough",
    }
    numbers = [column.name for column in columns if column.kind in ("number", "date")]
    categories = [column.name for column in columns if column.kind == "category"]
    lacking = [name for name in numbers if read[name].isna().any()]
    scaled = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", scalers[keys.scaling]())])
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=keys.rare or None, sparse_output=False, dtype=np.float64
    )
    steps = [
        ("numbers", scaled, numbers),
        ("missing", MissingIndicator(features="all"), lacking),
        ("categories", encoder, categories),
    ]
    made = ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0)
    return made.set_output(transform="default")  # whatever the process prefers


def features(transformer: Any) -> tuple[tuple[str, ...], dict[str, tuple[int, int]]]:
    """The names of what comes out; of categories, how many columns each has become and how many are joined in one."""
    names, encoded = list[str](), dict[str, tuple[int, int]]()
    for step, fitted, given in transformer.transformers_:
        if step == "numbers":
            names += given
        elif step == "missing":
            names += [f"{name}=(missing)" for name in given]
        elif step == "categories":
            for name, all_of, joined in zip(given, fitted.categories_, _joined(fitted), strict=True):
                kept = [text for text in all_of.tolist() if text not in joined]
                mine = ["(missing)" if text is None else text for text in kept] + ["(rare)"] * bool(joined)
                encoded[name] = (len(mine), len(joined))
                names += [f"{name}={cut(text)}" for text in mine]
    return tuple(names), encoded


def check(transformer: Any, columns: Sequence[Column], named: Sequence[str]) -> None:
    """Raises: ValueError: a fitted one is not of these columns, or what comes out has other names."""
    used = [column.name for column in columns if column.used]
    numbers = [column.name for column in columns if column.kind in ("number", "date")]
    categories = [column.name for column in columns if column.kind == "category"]
    given = {step: list(inputs) for step, _, inputs in transformer.transformers_}
    expected = {"numbers": numbers, "missing": given.get("missing", []), "categories": categories}
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("columns have the same name")
    if not used or list(transformer.feature_names_in_) != used:
        raise ValueError("the columns are not those that the transformer was fitted to")
    if given != {step: names for step, names in expected.items() if names} or not {*expected["missing"]} <= {*numbers}:
        raise ValueError("the columns are of other kinds than those that the transformer was fitted to")
    if features(transformer)[0] != tuple(named):
        raise ValueError("the features are not those that the transformer gives")


def _joined(encoder: Any) -> list[set[str | None]]:
    """Of each column, the categories that are joined into one."""
    if encoder.min_frequency is None:
        return [set() for _ in encoder.categories_]
    return [set() if rare is None else set(rare.tolist()) for rare in encoder.infrequent_categories_]
