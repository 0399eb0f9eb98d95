"""From samples to three parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.preprocessing.splits import Part, Split, stratified
from ablate.utils.errors import ConfigError
from helpers import parts

DATASETS = ["digits", "noise"]


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 1000),
)
def test_a_stratified_split_takes_every_sample_once_and_each_class_in_proportion(counts, share, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    chosen, rest = stratified(labels, share, np.random.default_rng(seed))
    assert sorted([*chosen, *rest]) == list(range(len(labels)))
    assert len(chosen) == round(len(labels) * share)
    for label, n in enumerate(counts):
        assert abs((labels[chosen] == label).sum() - n * share) < 1


@pytest.mark.parametrize("dataset", DATASETS)
def test_standardised_by_the_training_part_alone(configured, dataset):
    found = parts(configured(f"dataset={dataset}", "dataset.scaling=standard"))
    axes = (0, *range(2, found.train.x.ndim))
    assert found.train.x.mean(axes).abs().max() < 1e-4
    assert (found.train.x.std(axes) - 1).abs().max() < 1e-2
    assert found.val.x.mean(axes).abs().max() > 1e-4  # not by its own figures


def test_unit_scaling_maps_pixels_to_0_and_1(configured):
    x = parts(configured("dataset.scaling=unit")).train.x
    assert x.min() == 0 and x.max() == 1


def test_the_split_is_the_same_for_every_arm_and_seed(configured):
    a, b = parts(configured("regularizer=l1", "seed=1")), parts(configured("model.dropout=0.5", "seed=2"))
    assert a is b


def test_a_split_without_a_seed_follows_the_runs(configured):
    one, two = (parts(configured("dataset.split_seed=null", f"seed={seed}")) for seed in (1, 2))
    assert not (one.test.y == two.test.y).all()
    assert (one.test.y == parts(configured("dataset.split_seed=1", "seed=9")).test.y).all()


def test_digits_are_all_there(configured):
    found = parts(configured())
    assert [len(p) for p in (found.train, found.val, found.test)] == [1079, 359, 359]
    assert found.shape == (1, 8, 8) and found.outputs == 10


def test_noise_has_one_logit_and_a_test_part_of_its_own(configured):
    found = parts(configured("dataset=noise"))
    assert [len(p) for p in (found.train, found.val, found.test)] == [800, 200, 1000]
    assert found.shape == (10,) and found.outputs == 1


def test_a_part_without_a_sample_of_some_class_is_refused(configured):
    with pytest.raises(ConfigError, match=r"dataset\.val_fraction=0\.001: leaves the val part without"):
        parts(configured("dataset.val_fraction=0.001"))


def test_the_majority_is_the_most_frequent_class_of_training_in_the_test_part():
    parts = [Part(torch.zeros(len(y), 1), torch.tensor(y)) for y in ([0, 1, 1, 2], [0, 2], [0, 0, 1, 2, 0])]
    samples = Split(*parts, classes=3, fingerprint="").samples
    assert samples == {"train": 4, "val": 2, "test": 5, "majority": 0.2}
