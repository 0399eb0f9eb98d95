"""What arms are called in tables."""

from __future__ import annotations

from ablate.analysis.comparison import compare_folders
from ablate.records.sweeps import Asked, Sweep
from helpers import BASE, L1, result


def test_namesakes_that_differ_in_a_key_are_told_apart_by_it(tmp_path):
    for i, lr in enumerate([0.1, 0.2]):
        result(tmp_path / f"{i}", "none", 0, 0.9, optimizer={"lr": lr})
    assert list(compare_folders(tmp_path).runs["arm"]) == ["none lr=0.1", "none lr=0.2"]


def test_keys_that_cannot_matter_make_no_new_arm(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.9, device="cuda", dataset={"name": "digits", "root": "b"})
    result(tmp_path / "2", "none", 2, 0.9, regularizer=BASE["regularizer"] | {"dropout": 0.2, "layers": "hidden"})
    assert list(compare_folders(tmp_path).arms["n"]) == [3]


def test_a_study_names_the_arms_that_their_regularizers_do_not_tell_apart(tmp_path):
    asked = []
    arms = [("plain", {"lr": 0.1}, BASE), ("plain", {"lr": 0.2}, BASE), ("wide", {"lr": 0.1, "big": 1}, BASE)]
    for i, (name, optimizer, config) in enumerate([*arms, ("lasso", {"lr": 0.1}, BASE | L1)]):
        result(tmp_path / f"{i}", "l1=1e-4" if name == "lasso" else "none", i, 0.9, **config | {"optimizer": optimizer})
        asked.append(Asked(("l1=1e-4" if name == "lasso" else "none") + str(i), name, i))
    Sweep([], "mine", "plain", "accuracy/test", asked).write(tmp_path)
    assert list(compare_folders(tmp_path).runs["arm"]) == ["plain lr=0.1", "plain lr=0.2", "wide", "l1=1e-4"]
