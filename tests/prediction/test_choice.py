"""Which runs of a folder answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablate.prediction.choice import choose
from ablate.records.sweeps import Asked, Sweep
from ablate.utils.errors import ConfigError
from helpers import leave

# By arm, the validation losses of two seeds; the test figures of `helpers.leave` rise with the last of the names.
LOSSES = {"none": (0.5, 0.4), "l1 1": (0.3, 0.35), "l1 2": (0.1, 0.6), "l2": (0.31, 0.36)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study of three arms, one of two strengths; by validation its best is l1 at its first strength."""
    asked = []
    for place, (arm, losses) in enumerate(LOSSES.items()):
        for seed, loss in enumerate(losses):
            at = tmp_path / "study" / arm / str(seed)
            leave(at, arm, seed, place * 1e-2)
            result = json.loads((at / "result.json").read_text())
            result["metrics"]["loss/val"] = loss
            result["config"]["dataset"]["split_seed"] = 0
            (at / "result.json").write_text(json.dumps(result))
            asked.append(Asked(f"{arm}{seed}", arm.split()[0], seed))
    Sweep(["-m"], "mine", "none", "accuracy/test", asked).write(tmp_path / "study")
    return tmp_path / "study"


def chosen(folder: Path, **how: object) -> list[tuple[str, int]]:
    return [(result["arm"], result["seed"]) for result in choose(folder, **how).results]


def test_of_a_study_the_arm_and_seed_of_least_validation_loss_answer(folder):
    """Not those of the best test figures: these are the last arm's."""
    assert chosen(folder) == [("l1 1", 0)]
    assert "of 3 arms the one of least validation loss; of its 2 seeds" in choose(folder).why
    assert chosen(folder, seed=1) == [("l1 1", 1)]
    assert chosen(folder, ensemble=True) == [("l1 1", 0), ("l1 1", 1)]


def test_an_arm_is_named_as_in_the_table_or_in_the_study(folder):
    assert chosen(folder, arm="none") == [("none", 1)]
    assert chosen(folder, arm="l1 2") == [("l1 2", 0)]
    assert chosen(folder, arm="l1") == [("l1 1", 0)]
    assert "of 2 strengths" in choose(folder, arm="l1").why
    with pytest.raises(ConfigError, match="arm=l3: must be one of l1, l1 1, l1 2, l2, none"):
        choose(folder, arm="l3")
    with pytest.raises(ConfigError, match="seed=7: of arm none must be one of 0, 1"):
        choose(folder, arm="none", seed=7)
    with pytest.raises(ConfigError, match="seed=1: goes without an ensemble"):
        choose(folder, seed=1, ensemble=True)


def test_a_runs_folder_is_that_run(folder):
    assert chosen(folder / "l2/1") == [("l2", 1)]
    with pytest.raises(ConfigError, match="is one run"):
        choose(folder / "l2/1", arm="l2")


def test_seeds_with_a_split_of_their_own_are_not_compared(folder):
    for path in folder.rglob("result.json"):
        result = json.loads(path.read_text())
        result["config"]["dataset"]["split_seed"] = None
        path.write_text(json.dumps(result))
    assert chosen(folder, arm="none") == [("none", 0)]


def test_losses_that_are_no_measure_of_each_other_choose_no_arm(folder):
    path = folder / "l2/0/result.json"
    result = json.loads(path.read_text())
    result["config"]["loss"] = {"name": "auto", "class_weights": "balanced"}
    path.write_text(json.dumps(result))
    with pytest.raises(ConfigError, match="its arms have different losses, which can't be compared; choose one: --arm"):
        choose(folder)
    assert chosen(folder, arm="none") == [("none", 1)]


def test_a_loss_of_nought_is_the_least(folder):
    path = folder / "none/0/result.json"
    result = json.loads(path.read_text())
    result["metrics"]["loss/val"] = 0.0
    path.write_text(json.dumps(result))
    assert chosen(folder, arm="none") == [("none", 0)]


def test_where_nothing_has_finished_nothing_is_chosen(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        choose(tmp_path / "nowhere")
    leave(tmp_path / "failed/0", "none", 0, status="failed")
    with pytest.raises(ConfigError, match="no run has finished there"):
        choose(tmp_path / "failed")
    with pytest.raises(ConfigError, match="the run failed, and has no weights"):
        choose(tmp_path / "failed/0")
