"""Fitted transformers of scikit-learn as JSON and back: the classes below and their state, nothing that runs code.

skops can do the same, but imports all of scikit-learn (half a second in each process that saves a run), takes every
estimator for safe, and writes addresses in memory and the time of day, so that equal ones differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

DROPPED = {"memory", "n_jobs", "verbose"}  # of how it is computed, not of what
_DTYPE = re.compile(r"bool|object|u?int\d+|float\d+")


@cache
def _classes() -> dict[str, Callable[[], Any]]:
    """By name, what makes one that isn't fitted; keys of a newer version of scikit-learn have its defaults."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, QuantileTransformer, RobustScaler, StandardScaler

    plain = (
        *(MissingIndicator, SimpleImputer, OneHotEncoder),
        *(MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler),
    )
    made: dict[str, Callable[[], Any]] = {kind.__name__: kind for kind in plain}
    return made | {"ColumnTransformer": lambda: ColumnTransformer([]), "Pipeline": lambda: Pipeline([])}


@cache
def _attributes() -> dict[str, set[str]]:
    """What each class has when it is fitted; all else in a file could stand in the place of its code."""
    import pandas as pd

    frame, found = pd.DataFrame({"x": [0.0, 1.0, 1.0]}), dict[str, set[str]]()
    scaler = _classes()["StandardScaler"]
    own: dict[str, dict[str, Any]] = {
        "ColumnTransformer": {"transformers": [("x", scaler(), ["x"])]},
        "OneHotEncoder": {"min_frequency": 2},
        "Pipeline": {"steps": [("x", scaler())]},
        "QuantileTransformer": {"n_quantiles": 2},
    }
    for name, made in _classes().items():
        fitted = made().set_params(**own.get(name, {})).set_output(transform="default").fit(frame)
        found[name] = set(vars(fitted)) - DROPPED
    return found


def encode(value: Any) -> Any:
    """A transformer, or what its attributes hold, as JSON has it: what JSON lacks is an object of one key, its type.

    Raises:
        TypeError: it holds something else.
    """
    if value is None or isinstance(value, bool | str) or type(value) in (int, float):
        return value
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, slice):
        return {"slice": [encode(item) for item in (value.start, value.stop, value.step)]}
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"dtype": np.dtype(value).name}
    if isinstance(value, np.ndarray | np.generic):
        dtype = value.dtype.name if value.dtype.kind not in "UT" else "object"
        return {"array": [dtype, list(value.shape), [encode(item) for item in value.ravel().tolist()]]}
    if type(value).__name__ in _classes():
        state = {name: encode(item) for name, item in sorted(vars(value).items()) if name not in DROPPED}
        return {type(value).__name__: state}
    raise TypeError(f"{type(value).__name__} can't be saved")


def decode(found: Any) -> Any:
    """What `encode` was given; of a transformer, what such a one has when it is fitted.

    Raises:
        ValueError, TypeError: it isn't what `encode` gives.
    """
    if isinstance(found, list):
        return [decode(item) for item in found]
    if not isinstance(found, dict):
        return found
    [(kind, held)] = found.items()
    if kind in _classes():
        made = _classes()[kind]()
        vars(made).update({name: decode(item) for name, item in held.items() if name in _attributes()[kind]})
        return made
    if kind == "tuple":
        return tuple(decode(held))
    if kind == "dict":
        return {decode(key): decode(item) for key, item in held}
    if kind == "slice":
        return slice(*decode(held))
    if kind == "dtype":
        return _dtype(held)
    if kind == "array":
        dtype, shape, items = held
        array = np.empty(len(items), _dtype(dtype))
        array[:] = items
        return array.reshape(shape) if shape else array[0]
    raise ValueError(f"a {kind} is none of {', '.join(_classes())}")


def _dtype(name: str) -> np.dtype:
    if not _DTYPE.fullmatch(name):
        raise ValueError(f"{name} is no type of array")
    return np.dtype(name)
