"""Wines of three growers: 178 bottles, 13 figures of chemistry, 3 classes. Ships with scikit-learn."""

from __future__ import annotations

from ablate.data import Source, _sklearn
from ablate.options.schema import TableConfig as Config

__all__ = ["Config", "load"]


def load(config: Config) -> Source:
    return _sklearn.load(config, "load_wine", "grower")
