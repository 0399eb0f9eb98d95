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


def origin(**code: str) -> dict[str, object]:
    return {"code": {f"ablate.regularizers.{name}": digest for name, digest in code.items()}}


def test_runs_of_other_code_are_another_arm(tmp_path):
    """Also in a folder that doesn't tell what was asked for: no arm averages two functions."""
    for seed, digest in enumerate(["11112222", "11112222", "33334444"]):
        result(tmp_path / f"none{seed}", "none", seed, 0.9, origin=origin())
        result(tmp_path / f"mine{seed}", "mine=1e-4", seed, 0.9, origin=origin(mine=digest, near="5"), **L1)
    result(tmp_path / "earlier", "none", 3, 0.9)  # doesn't tell
    runs = compare_folders(tmp_path).runs.sort_values(["arm", "seed"])
    assert list(runs["arm"]) == ["mine=1e-4 mine@1111"] * 2 + ["mine=1e-4 mine@3333"] + ["none"] * 4


def test_of_strengths_of_other_code_none_is_chosen(tmp_path):
    for seed in range(2):
        result(tmp_path / f"none{seed}", "none", seed, 0.9)
        for l1, digest in ((1e-4, "1"), (1e-3, "1"), (1e-2, "2")):
            config = {"regularizer": BASE["regularizer"] | {"l1": l1}}
            result(tmp_path / f"{l1}-{seed}", f"l1={l1}", seed, 0.9, origin=origin(l1=digest), loss=l1, **config)
    assert dict(compare_folders(tmp_path).arms[["arm", "chosen_from"]].to_numpy()) == {
        "none": 1, "l1=0.0001": 2, "l1=0.01": 1
    }  # fmt: skip
