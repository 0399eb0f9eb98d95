"""From samples to three parts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.preprocessing import splits
from ablate.preprocessing.parts import stratified
from ablate.utils.errors import ConfigError
from helpers import forget_splits, parts

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
    with pytest.raises(
        ConfigError, match=r"dataset\.val_fraction=0\.002: leaves the val part without a sample of 6 of"
    ):
        parts(configured("dataset.val_fraction=0.002"))
    with pytest.raises(
        ConfigError, match=r"dataset\.val_fraction=0\.0001: leaves the val part empty: there are 1,797 samples"
    ):
        parts(configured("dataset.val_fraction=0.0001"))


@pytest.fixture
def made(monkeypatch):
    """How often each split is made, from now on, when none is known."""
    forget_splits()
    times = Counter()
    make = splits._split
    monkeypatch.setattr(
        splits, "_split", lambda asked, *of: (times.update([asked.config.split_seed]), make(asked, *of))[1]
    )
    yield times
    forget_splits()


def test_a_split_is_made_once_however_many_there_are(configured, made):
    config = configured()
    for _ in range(3):
        for seed in range(40):
            splits.split(config.dataset, seed)
    assert made == dict.fromkeys(range(40), 1)


def test_splits_are_kept_in_so_many_bytes_those_last_asked_for_and_those_in_use(configured, made, monkeypatch):
    dataset = configured().dataset
    in_use = splits.split(dataset, 0)
    monkeypatch.setattr(splits, "KEPT", int(3.5 * in_use.facts.bytes))
    for seed in (1, 2, 3, 1, 4, 5):
        splits.split(dataset, seed)
    assert [key.config.split_seed for key, *_ in splits._kept] == [1, 4, 5]
    assert {key.config.split_seed for key, *_ in splits._used} == {0, 1, 4, 5}
    assert splits.split(dataset, 0) is in_use and made[0] == 1
    monkeypatch.setattr(splits, "KEPT", 0)
    splits.split(dataset, 6)
    assert [key.config.split_seed for key, *_ in splits._kept] == [6]  # the last, whatever it takes


def test_what_is_known_of_a_split_stays_known_without_its_samples(configured, made, monkeypatch):
    monkeypatch.setattr(splits, "KEPT", 0)
    dataset = configured().dataset
    found = [splits.facts(dataset, seed) for seed in (0, 1, 0, 1)]
    split = splits.split(dataset, 0)
    assert made == {0: 2, 1: 1}  # the last is for the samples
    assert found[0] == found[2] == split.facts
    assert split.facts.bytes == 1797 * (64 * 4 + 8)


def test_a_result_is_told_what_it_was_made_on(configured):
    told = parts(configured("dataset=noise")).described
    assert told["task"] == "binary" and told["rows"] == {"train": 800, "val": 200, "test": 1000}
    assert told["classes"] == ["0", "1"] and sum(told["shares"]) == pytest.approx(1)
    assert told["features"] == 10 and told["columns"] is None and told["name"] == "noise"


def test_a_file_that_was_written_anew_is_read_anew(configured, tmp_path):
    file = tmp_path / "table.csv"
    words = ["dataset=csv", f"dataset.path={file}", "dataset.target=y"]
    for rows in (30, 60):
        file.write_text("x,y\n" + "".join(f"{i * 7 % 11}.5,{i % 2}\n" for i in range(rows)))
        assert sum(parts(configured(*words)).described["rows"].values()) == rows


def test_a_published_test_part_may_lack_a_class(configured, tmp_path):
    x, y = np.random.default_rng(0).random((40, 2)), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x=x, y=y, tx=x[:4], ty=np.zeros(4, int))
    words = ["dataset=npz", f"dataset.path={tmp_path / 'a.npz'}", "dataset.test_x=tx", "dataset.test_y=ty"]
    assert len(parts(configured(*words)).test) == 4
