"""Diabetes: 442 patients, age, sex, mass, blood pressure and 6 figures of blood; its progress a year on, a number."""

from __future__ import annotations

from ablate.data import Source, _sklearn
from ablate.options.schema import TableConfig as Config

__all__ = ["Config", "load"]


def load(config: Config) -> Source:
    return _sklearn.load(config, "load_diabetes", "progression", task="regression", scaled=False)
