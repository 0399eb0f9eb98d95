"""Sources that need no file: those that ship with packages, and those that are drawn."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

from ablate import data
from ablate.data import mnist1d
from ablate.utils.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "shape", "first"),
    [
        ("iris", (150, 4), "setosa"),
        ("wine", (178, 13), "class_0"),
        ("breast_cancer", (569, 30), "malignant"),
        ("diabetes", (442, 10), 151.0),
    ],
)
def test_scikit_learns_tables_have_names_of_columns_and_classes(configured, name, shape, first):
    found = data.source(configured(f"dataset={name}").dataset)
    assert found.x.shape == shape and found.y.tolist()[0] == first and all(map(str, found.x.columns))
    assert found.task == ("regression" if name == "diabetes" else "auto")


def test_their_columns_can_be_chosen_as_those_of_any_table(configured):
    found = data.source(configured("dataset=diabetes", "dataset.target=sex", "dataset.group=age").dataset)
    assert "progression" in found.x and found.task == "auto" and found.group is not None


def test_mnist_1d_is_made_as_it_was_published_and_leaves_the_generators_alone(configured):
    mnist1d._made.cache_clear()
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    found = data.source(configured("dataset=mnist1d").dataset)
    after = random.random(), np.random.random()  # noqa: NPY002, S311
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    assert after == (random.random(), np.random.random())  # noqa: NPY002, S311
    assert found.x.shape == (4000, 1, 40) and found.test_x is not None and found.test_x.shape == (1000, 1, 40)
    both = np.concatenate([found.x, found.test_x])
    assert abs(both.mean()) < 1e-5 and abs(both.std() - 1) < 1e-5
    assert np.bincount(np.concatenate([found.y, found.test_y])).tolist() == [500] * 10  # type: ignore[list-item]


def test_mnist_1d_says_what_to_install(configured, monkeypatch):
    mnist1d._made.cache_clear()
    monkeypatch.setitem(sys.modules, "mnist1d.data", None)
    with pytest.raises(
        ConfigError, match=r"the package mnist1d, which is not installed: pip install 'ablate-harness\["
    ):
        data.source(configured("dataset=mnist1d").dataset)


def drawn(configured, *overrides: str) -> data.Source:
    return data.source(configured("dataset=synthetic", *overrides).dataset)


@pytest.mark.parametrize("kind", ["classification", "regression", "sparse_linear"])
def test_drawn_samples_follow_the_seed_and_nothing_else(configured, kind):
    one, same, other = (
        drawn(configured, f"dataset.kind={kind}", f"dataset.split_seed={seed}") for seed in (2**40, 2**40, 1)
    )
    assert (one.x == same.x).all() and (one.y == same.y).all() and (one.x != other.x).any()
    assert one.x.shape == (1000, 20) and one.test_x is not None and one.test_x.shape == (1000, 20)


def test_a_sparse_teacher_has_as_many_weights_as_it_is_told_and_all_are_of_one_size(configured):
    found = drawn(configured, "dataset.kind=sparse_linear", "dataset.informative=3", "dataset.noise=0")
    weights = np.linalg.lstsq(found.x, found.y, rcond=None)[0]
    assert sorted(np.abs(weights).round(6))[-4:] == [0, 1, 1, 1]
    noisy = drawn(configured, "dataset.kind=sparse_linear", "dataset.noise=2", "dataset.size=20_000")
    rest = noisy.y - noisy.x @ np.linalg.lstsq(noisy.x, noisy.y, rcond=None)[0]
    assert abs(rest.std() - 2) < 0.05


def test_classes_hang_on_as_many_features_as_they_are_told(configured):
    found = drawn(configured, "dataset.classes=3", "dataset.informative=2", "dataset.features=5", "dataset.noise=0")
    assert found.classes == 3 and sorted(set(found.y)) == [0, 1, 2]
    spread = [np.ptp([found.x[found.y == label, i].mean() for label in range(3)]) for i in range(5)]
    assert sum(distance > 0.4 for distance in spread) <= 2


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["dataset.informative=30"], "dataset.informative=30: must be at most dataset.features=20"),
        (["dataset.noise=1.5"], "dataset.noise=1.5: must be a share of the labels, from 0 to 1"),
        (["dataset.informative=1", "dataset.classes=3"], "dataset.classes=3: must be at most 2, the corners that"),
        (["dataset.kind=regression", "dataset.classes=3"], "dataset.classes=3: is of dataset.kind=classification, not"),
        (["dataset.size=10_000_000", "dataset.features=1_000_000"], "dataset=synthetic: 20,000,000 samples of"),
    ],
)
def test_what_cannot_be_drawn_is_refused(configured, overrides, said):
    with pytest.raises(ConfigError) as refused:
        drawn(configured, *overrides)
    assert str(refused.value).startswith(said)
