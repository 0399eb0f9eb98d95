"""MNIST-1D: 4,000 + 1,000 signals of 40 numbers, ten digits as lines (Greydanus and Kobak 2024). It is made."""

from __future__ import annotations

import random
from functools import cache

import numpy as np

from ablate.data import Source
from ablate.options.schema import DatasetConfig as Config
from ablate.utils.errors import ConfigError

__all__ = ["Config", "load"]


def load(config: Config) -> Source:
    return _made()


@cache
def _made() -> Source:
    """As the package makes it by its own seed; the generators that it uses are Python's and NumPy's, and put back."""
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError:
        install = "pip install 'ablate-harness[mnist1d]'"
        raise ConfigError(
            f"dataset=mnist1d: is made by the package mnist1d, which is not installed: {install}"
        ) from None
    kept, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        made = make_dataset(get_dataset_args())
    finally:
        random.setstate(kept)
        np.random.set_state(numpys)  # noqa: NPY002
    x, test_x = (made[name][:, None].astype(np.float32) for name in ("x", "x_test"))
    return Source(x, made["y"], 10, test_x, made["y_test"])
