from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ablate.comparison import collect, compare, conclude, markdown
from ablate.errors import ConfigError

BASE = {
    "device": "cpu",
    "dataset": {"name": "digits", "root": "a"},
    "model": {"name": "mlp", "dropout": 0.0},
    "regularizer": {"layers": "all", "dropout": 0.0, "l1": 0.0},
    "early_stopping": {"patience": None, "restore_best_weights": False},
    "optimizer": {"lr": 0.001},
}


def result(folder: Path, arm: str, seed: int, accuracy: float, status: str = "finished", **changed: object) -> None:
    config = BASE | {"seed": seed} | changed
    metrics = {"loss/train": 0.1, "loss/val": 0.2, "accuracy/train": 1.0, "accuracy/test": accuracy}
    content = {
        "status": status,
        "run_id": f"{arm}{seed}",
        "arm": arm,
        "seed": seed,
        "config": config,
        "metrics": metrics if status == "finished" else {},
        "weights": {"near_zeros": 0.25, "l2_norm": 3.0},
        "epochs": 10,
        "seconds": 1.5,
        "error": None if status == "finished" else "loss/train is nan in epoch 3",
    }
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(content))


L1 = {"regularizer": BASE["regularizer"] | {"l1": 1e-4}}


def test_arms_are_summed_up_over_seeds_and_differences_are_paired(tmp_path):
    for i, (seed, accuracy) in enumerate([(0, 0.90), (1, 0.92), (2, 0.94)]):
        result(tmp_path / f"{i}", "none", seed, accuracy)
    for i, (seed, accuracy) in enumerate([(0, 0.91), (1, 0.95), (5, 0.10)]):
        result(tmp_path / f"1{i}", "l1=1e-4", seed, accuracy, **L1)
    arms = compare(collect(tmp_path)).set_index("arm")
    assert list(arms.index) == ["none", "l1=1e-4"]
    assert arms.loc["none", "accuracy/test"] == pytest.approx(0.92)
    assert arms.loc["none", "accuracy/test sd"] == pytest.approx(0.02)
    assert arms.loc["l1=1e-4", "pairs"] == 2  # seed 5 has no partner
    assert arms.loc["l1=1e-4", "difference"] == pytest.approx(0.02)
    assert arms.loc["none", "gap"] == pytest.approx(0.08)
    assert math.isnan(arms.loc["none", "difference"])


def test_the_baseline_comes_first_wherever_it_ran(tmp_path):
    result(tmp_path / "0", "l1=1e-4", 0, 0.9, **L1)
    result(tmp_path / "1", "none", 0, 0.8)
    runs = collect(tmp_path)
    assert list(compare(runs)["arm"]) == ["none", "l1=1e-4"]
    assert list(compare(runs, baseline="l1=1e-4")["arm"]) == ["l1=1e-4", "none"]
    with pytest.raises(ConfigError, match="baseline=nope: must be one of"):
        compare(runs, baseline="nope")


def test_namesakes_that_differ_in_a_key_are_told_apart_by_it(tmp_path):
    for i, lr in enumerate([0.1, 0.2]):
        result(tmp_path / f"{i}", "none", 0, 0.9, optimizer={"lr": lr})
    assert list(collect(tmp_path)["arm"]) == ["none lr=0.1", "none lr=0.2"]


def test_keys_that_cannot_matter_make_no_new_arm(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.9, device="cuda", dataset={"name": "digits", "root": "b"})
    result(tmp_path / "2", "none", 2, 0.9, regularizer=BASE["regularizer"] | {"dropout": 0.2, "layers": "hidden"})
    assert list(compare(collect(tmp_path))["n"]) == [3]


def test_failed_runs_are_counted_and_named(tmp_path, capsys):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.0, status="diverged")
    assert conclude([tmp_path]) == 1
    assert "none seed 1: diverged: loss/train is nan in epoch 3" in capsys.readouterr().out
    table = (tmp_path / "comparison.csv").read_text()
    assert table.splitlines()[0].startswith("arm,n,failed") and "none,1,1" in table


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"status": "finished"}', "\0\xff"])
def test_a_file_that_is_no_result_is_named_and_skipped(tmp_path, capsys, content):
    result(tmp_path / "0", "none", 0, 0.9)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "result.json").write_text(content, encoding="latin-1")
    assert len(collect(tmp_path)) == 1
    assert "skipped" in capsys.readouterr().err


def test_nothing_to_compare_is_said(tmp_path, capsys):
    assert conclude([tmp_path]) == 2
    assert "no results there yet" in capsys.readouterr().err
    assert conclude([tmp_path / "nowhere"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_few_seeds_give_no_verdict_and_the_table_says_so(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "l1=1e-4", 0, 0.95, **L1)
    runs = collect(tmp_path)
    text = markdown(compare(runs), runs)
    assert "too few seeds for a verdict: 1 a pair of arms, 6 are needed" in text
    assert "| l1=1e-4 | 1 | 95.00 | +5.00 |" in text


def test_nothing_is_compared_across_data(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 0, 0.5, dataset={"name": "noise", "samples": 10})
    result(tmp_path / "2", "l1=1e-4", 0, 0.6, dataset={"name": "noise", "samples": 10}, **L1)
    arms = compare(collect(tmp_path)).set_index("arm")
    assert list(arms.index) == ["none dataset=digits", "none dataset=noise", "l1=1e-4"]
    assert math.isnan(arms.loc["none dataset=noise", "difference"])
    assert arms.loc["l1=1e-4", "difference"] == pytest.approx(0.1)


def test_repeated_runs_count_once_and_are_said(tmp_path):
    for folder in ("a", "b"):
        result(tmp_path / folder, "none", 0, 0.9)
    runs = collect(tmp_path)
    assert list(compare(runs)["n"]) == [1] and list(compare(runs)["failed"]) == [0]
    assert "1 of these runs repeat an arm and seed" in markdown(compare(runs), runs)
