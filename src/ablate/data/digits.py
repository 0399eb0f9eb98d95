"""scikit-learn's digits: 1,797 images of 8×8 pixels (0 to 16), 10 classes."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.options.schema import DatasetConfig
from ablate.utils.errors import ConfigError


class Config(DatasetConfig):
    test_fraction: float = Field(gt=0, lt=1, description="share of the samples for the test")


def load(config: Config) -> Source:
    return _read()


@cache
def _read() -> Source:
    # The file that sklearn.datasets.load_digits reads: importing scikit-learn takes 3 s, reading it 0.1 s.
    spec = find_spec("sklearn")
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ConfigError("dataset=digits: ships with scikit-learn, which is not installed")
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    return Source(x=table[:, :-1].reshape(-1, 1, 8, 8), y=table[:, -1].astype(np.int64), classes=10)
