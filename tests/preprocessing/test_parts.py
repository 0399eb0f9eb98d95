"""Which samples go into which part."""

from __future__ import annotations

import numpy as np
import pytest

from ablate.data import Source
from ablate.options.schema import TableConfig
from ablate.preprocessing.parts import parts
from ablate.utils.errors import ConfigError


def config(**keys):
    return TableConfig(
        name="any", **{"val_fraction": 0.2, "test_fraction": 0.2, "split_seed": 0, "scaling": "none"} | keys
    )


def source(n=200, **more):
    return Source(np.zeros((n, 1)), np.arange(n) % 4, **more)


def test_every_sample_is_in_one_part():
    found = parts(config(), source(), np.arange(200) % 4)
    assert sorted(np.concatenate([*found.values()])) == list(range(200))
    assert {name: len(part) for name, part in found.items()} == {"train": 120, "val": 40, "test": 40}


def test_groups_stay_together():
    group = np.random.default_rng(0).integers(0, 30, 500).astype(str)
    found = parts(config(), source(500, group=group), np.zeros(500))
    in_parts = [set(group[part]) for part in found.values()]
    assert not any(one & other for i, one in enumerate(in_parts) for other in in_parts[i + 1 :])
    assert all(abs(len(found[name]) - 100) < 25 for name in ("val", "test"))
    other = parts(config(split_seed=1), source(500, group=group), np.zeros(500))
    assert list(other["test"]) != list(found["test"])


def test_the_latest_are_tested_on_and_equal_times_stay_together():
    time = np.random.default_rng(0).integers(0, 40, 500)
    found = parts(config(), source(500, time=time), np.zeros(500))
    assert time[found["train"]].max() < time[found["val"]].min()
    assert time[found["val"]].max() < time[found["test"]].min()
    assert all(abs(len(found[name]) - 100) < 15 for name in ("val", "test"))


def test_fewer_samples_are_among_more_of_them_and_keep_the_classes_proportions():
    classes = np.repeat([0, 1], [150, 50])
    found = [parts(config(samples=n), source(), classes) for n in (8, 20, 60)]
    assert [len(each["train"]) for each in found] == [8, 20, 60]
    assert set(found[0]["train"]) < set(found[1]["train"]) < set(found[2]["train"])
    assert [classes[each["train"]].sum() for each in found] == [2, 5, 15]
    assert all((each["test"] == found[0]["test"]).all() for each in found)


def test_more_samples_than_there_are_and_empty_parts_are_refused():
    with pytest.raises(ConfigError, match=r"dataset\.samples=121: the training part has 120"):
        parts(config(samples=121), source(), np.zeros(200))
    with pytest.raises(ConfigError, match=r"leaves the (test|val|train) part empty: there are 200 samples"):
        parts(config(), source(time=np.zeros(200)), np.zeros(200))


def test_published_parts_are_not_split_off():
    found = parts(config(), source(test_x=np.zeros((3, 1)), test_y=np.zeros(3)), np.zeros(200))
    assert {name: len(part) for name, part in found.items()} == {"val": 40, "train": 160}


def test_groups_and_times_together_are_refused():
    with pytest.raises(ConfigError, match=r"dataset\.group and dataset\.time: a split goes by one of the two"):
        parts(config(), source(time=np.arange(200), group=np.arange(200)), np.zeros(200))
