"""What is to be predicted, and how it is told."""

from __future__ import annotations

import numpy as np
import pytest

from ablate.data import Source
from ablate.preprocessing.targets import target
from ablate.utils.errors import ConfigError

N = 200
DIGITS = np.arange(N) % 10


def source(y, **more):
    return Source(np.zeros((len(y), 1)), np.asarray(y), **more)


@pytest.mark.parametrize(
    ("y", "task", "labels", "outputs"),
    [
        (["no", "yes"] * 100, "binary", ("no", "yes"), 1),
        ([False, True] * 100, "binary", (False, True), 1),
        ([1.0, 2.0] * 100, "binary", (1, 2), 1),
        (DIGITS, "multiclass", tuple(range(10)), 10),
        (np.array(["c", "a", "b", "a"] * 50, dtype=object), "multiclass", ("a", "b", "c"), 3),
        (np.linspace(0, 1, N), "regression", (0,), 1),
        (np.arange(N), "regression", (0,), 1),
        (np.arange(N) * 1e19, "regression", (0,), 1),
        (np.eye(3, dtype=int)[DIGITS % 3], "multilabel", (0, 1, 2), 3),
        (np.linspace(0, 1, 2 * N).reshape(N, 2), "regression", (0, 1), 2),
    ],
)
def test_the_task_is_told_by_the_targets(y, task, labels, outputs):
    found = target(source(y), "auto")
    assert (found.task, found.labels, found.outputs) == (task, labels, outputs)


@pytest.mark.parametrize(
    ("y", "asked", "said"),
    [
        (np.arange(N) % 30, "auto", "30 different whole numbers: say task=multiclass or task=regression"),
        (["a"] * N, "auto", "the same value in every row, a: nothing to predict"),
        (["a", "b", "c", "d"] * 50, "binary", "task=binary: the target has 4 different labels: must be multiclass"),
        (["a", "b"] * 100, "regression", "must be binary"),
        (np.linspace(0, 1, N), "multiclass", "has numbers with fractions: must be regression"),
        (np.arange(N) * 1e200, "auto", "must be from -1e\\+100 to 1e\\+100"),
        (DIGITS, "multilabel", "10 different whole numbers: must be multiclass or regression"),
        (np.linspace(0, 1, 2 * N).reshape(N, 2), "multilabel", "2 numbers a sample: must be regression"),
    ],
)
def test_a_target_that_looks_like_another_task_is_asked_about(y, asked, said):
    with pytest.raises(ConfigError, match=said):
        target(source(y), asked)


def test_what_a_source_says_counts_unless_another_task_is_asked_for():
    assert target(source(DIGITS, task="regression"), "auto").task == "regression"
    assert target(source(DIGITS, classes=10), "regression").task == "regression"
    assert target(source([0, 1] * 100, classes=2, labels=("b", "a")), "auto").labels == ("b", "a")


def test_classes_are_their_places_and_others_are_refused():
    found = target(source(["b", "a"] * 100), "auto")
    assert found.encode(np.array(["a", "b", "a"])).tolist() == [0, 1, 0]
    with pytest.raises(ConfigError, match="the target: c: is no label of a and b"):
        found.encode(np.array(["c"]))
    with pytest.raises(ConfigError, match=r"the target: 1\.7: is no label of 1 and 2"):
        target(source([1.0, 2.0] * 100), "auto").encode(np.array([1.7]))
    numbered = target(source([0, 1] * 100, classes=2, labels=("b", "a")), "auto")
    assert numbered.encode(np.array([1, 0])).tolist() == [1, 0]


def test_numbers_are_scaled_by_the_training_part_and_come_back():
    y = np.random.default_rng(0).normal(50, 8, (N, 2))
    found = target(source(y), "auto").fitted(y[:100])
    encoded = found.encode(y)
    assert encoded[:100].mean(0) == pytest.approx(0, abs=1e-6) and encoded[:100].std(0) == pytest.approx(1)
    assert found.in_units(encoded) == pytest.approx(y) and (found.answers(y) == y).all()
    assert target(source(y), "auto").fitted(np.full((9, 2), 3.0)).scale == (1.0, 1.0)
