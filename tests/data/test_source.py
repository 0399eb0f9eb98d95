"""Samples that can't be used, and files that are damaged: each is named in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from ablate.data import Source, digits
from ablate.preprocessing.samples import Split
from ablate.utils.errors import ConfigError
from helpers import forget_splits, parts

X, Y = np.arange(120.0).reshape(30, 4), np.arange(30) % 3


@pytest.fixture
def sampled(configured, monkeypatch) -> Iterator[Callable[..., Split]]:
    """sampled(x, y): the split of these samples, given as if they were digits."""

    def make(
        x: np.ndarray = X,
        y: np.ndarray = Y,
        test_x: np.ndarray | None = None,
        test_y: np.ndarray | None = None,
        scaling: str = "standard",
    ) -> Split:
        monkeypatch.setattr(digits, "load", lambda config: Source(x, y, 3, test_x, test_y))
        forget_splits()
        return parts(configured(f"dataset.scaling={scaling}"))

    yield make
    forget_splits()


def with_(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.astype(float)
    changed[-1] = value
    return changed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": with_(X, np.nan)}, "its samples hold NaN or infinity (1 of 30 do); must be finite numbers"),
        ({"x": with_(X, np.inf)}, "its samples hold NaN or infinity"),
        ({"x": X[:, 0]}, r"its samples have the shape \[30\]; must be"),
        ({"x": X[:0], "y": Y[:0]}, r"its samples have the shape \[0, 4\]"),
        ({"x": X[:, :0]}, r"its samples have the shape \[30, 0\]"),
        ({"x": X.astype(object)}, "its samples are of type object; must be numbers"),
        ({"y": Y[:-1]}, r"its labels have the shape \[29\]; must be one a sample, \[30\]"),
        ({"y": Y[:, None]}, r"its labels have the shape \[30, 1\]"),
        ({"y": Y.astype(float)}, "its labels are of type float64; must be whole numbers from 0 to 2"),
        ({"y": Y.astype(str)}, "its labels are of type <U21; must be whole numbers"),
        ({"y": Y - 1}, "its labels go from -1 to 1; must be whole numbers from 0 to 2"),
        ({"y": Y + 1}, "its labels go from 1 to 3"),
        ({"y": Y * 0}, "its labels lack 1, 2; every one of the 3 classes must be there"),
        ({"x": X[:2], "y": Y[:2]}, "its labels lack 2"),
        ({"test_x": X[:, :3], "test_y": Y}, r"its test samples have the shape \[3\]; must be \[4\], as the others"),
        ({"test_x": X, "test_y": Y + 9}, "its test labels go from 9 to 11"),
        ({"test_x": with_(X, np.nan), "test_y": Y}, "its test samples hold NaN"),
        ({"x": X * 1e300, "scaling": "none"}, "dataset.scaling=none: makes numbers that are too large for 32 bits"),
    ],
)
def test_samples_that_cannot_be_used_are_refused_in_one_line(sampled, given, said):
    with pytest.raises(ConfigError, match=said.replace("(1 of 30 do)", r"\(1 of 30 do\)")) as refused:
        sampled(**given)
    assert str(refused.value).startswith("dataset") and "\n" not in str(refused.value)


@pytest.mark.parametrize("x", [X[:, [0, 0, 1, 1]], X * 0, X.astype(np.uint8), X.astype(np.float16), X > 50, X * 1e-300])
def test_constant_equal_and_tiny_columns_and_any_type_of_number_are_fine(sampled, x):
    found = sampled(x)
    assert found.train.x.isfinite().all() and len(found.train) == 18
