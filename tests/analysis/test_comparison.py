"""What a sweep says: its arms against the baseline."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ablate.analysis.comparison import compare_folders
from ablate.analysis.inference import holm
from ablate.cli.main import main
from ablate.records.sweeps import Asked, Sweep
from ablate.report.tables import markdown
from ablate.utils.errors import ConfigError
from helpers import L1, result


def test_arms_are_summed_up_over_seeds_and_differences_are_paired(tmp_path):
    for i, (seed, accuracy) in enumerate([(0, 0.90), (1, 0.92), (2, 0.94)]):
        result(tmp_path / f"{i}", "none", seed, accuracy)
    for i, (seed, accuracy) in enumerate([(0, 0.91), (1, 0.95), (5, 0.10)]):
        result(tmp_path / f"1{i}", "l1=1e-4", seed, accuracy, **L1)
    comparison = compare_folders(tmp_path)
    arms = comparison.arms.set_index("arm")
    assert list(arms.index) == ["none", "l1=1e-4"]
    assert arms.loc["none", "mean"] == pytest.approx(0.92)
    assert arms.loc["none", "sd"] == pytest.approx(0.02)
    assert arms.loc["l1=1e-4", "pairs"] == 2  # seed 5 has no partner
    assert arms.loc["l1=1e-4", "difference"] == pytest.approx(0.02)
    assert arms.loc["none", "gap"] == pytest.approx(0.08)
    assert math.isnan(arms.loc["none", "difference"])
    assert "l1=1e-4: 2 of its 3 seeds are shared with none" in markdown(comparison)


def test_the_baseline_of_a_sweep_without_names_is_an_arm_like_others(tmp_path):
    result(tmp_path / "0", "l1=1e-4", 0, 0.6, **L1)
    result(tmp_path / "1", "dropout=0.2", 0, 0.7, model={"name": "mlp", "dropout": 0.2})
    assert compare_folders(tmp_path).remarks == []


def test_the_baseline_comes_first_wherever_it_ran_then_the_best(tmp_path):
    result(tmp_path / "0", "l1=1e-4", 0, 0.6, **L1)
    result(tmp_path / "1", "none", 0, 0.5)
    result(tmp_path / "2", "dropout=0.2", 0, 0.7, model={"name": "mlp", "dropout": 0.2})
    assert list(compare_folders(tmp_path).arms["arm"]) == ["none", "dropout=0.2", "l1=1e-4"]
    assert list(compare_folders(tmp_path, baseline="l1=1e-4").arms["arm"]) == ["l1=1e-4", "dropout=0.2", "none"]
    with pytest.raises(ConfigError, match="baseline=nope: must be one of"):
        compare_folders(tmp_path, baseline="nope")
    with pytest.raises(ConfigError, match="metric=loss/val: must be one of"):
        compare_folders(tmp_path, metric="loss/val")


def test_an_arm_of_which_every_run_failed_is_a_row(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "l1=1e-4", 0, 0.0, status="failed", **L1)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["n"]) == [1, 0]
    assert "too few seeds" in markdown(comparison).lower()


ASKED = '{"command":[],"study":null,"baseline":null,"metric":null,"runs":[{"run_id":%s,"arm":null,"seed":0}]}'


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"runs": [3]}', '{"runs": [{"seed": 1}]}', ASKED % "[]", "[" * 100_000]
)
def test_a_damaged_list_of_what_was_asked_for_is_named_and_all_is_shown(tmp_path, capsys, content):
    result(tmp_path / "0", "none", 0, 0.9)
    (tmp_path / "study.json").write_text(content)
    assert len(compare_folders(tmp_path).runs) == 1
    assert "study.json" in capsys.readouterr().err


def test_the_table_takes_what_was_asked_for_and_counts_the_rest(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.8)
    asked = [Asked(run_id, "plain", 0) for run_id in ("none0", "none7")]
    Sweep([], "mine", "plain", "accuracy/test", asked).write(tmp_path)
    comparison = compare_folders(tmp_path)
    assert (len(comparison.runs), comparison.unfinished, comparison.others) == (1, 1, 1)
    text = markdown(comparison)
    assert "1 run of this sweep not done yet" in text and "1 result of other settings" in text


def test_splits_that_follow_the_seed_widen_the_interval(tmp_path):
    for name, split_seed in (("fixed", 0), ("own", None)):
        dataset = {"name": "digits", "val_fraction": 0.2, "test_fraction": 0.2, "split_seed": split_seed}
        for seed in range(6):
            result(tmp_path / name / f"0{seed}", "none", seed, 0.90 + seed / 1000, dataset=dataset)
            result(tmp_path / name / f"1{seed}", "l1=1e-4", seed, 0.91 + seed / 900, dataset=dataset, **L1)
    widths = []
    for name in ("fixed", "own"):
        arm = compare_folders(tmp_path / name).arms.iloc[1]
        widths.append(arm["difference_high"] - arm["difference_low"])
    assert widths[1] / widths[0] == pytest.approx(math.sqrt((1 / 6 + 0.2 / 0.6) / (1 / 6)))


def test_nothing_is_compared_across_data(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 0, 0.5, dataset={"name": "noise", "samples": 10})
    result(tmp_path / "2", "l1=1e-4", 0, 0.6, dataset={"name": "noise", "samples": 10}, **L1)
    arms = compare_folders(tmp_path).arms.set_index("arm")
    assert list(arms.index) == ["none dataset=digits", "none dataset=noise", "l1=1e-4"]
    assert math.isnan(arms.loc["none dataset=noise", "difference"])
    assert arms.loc["l1=1e-4", "difference"] == pytest.approx(0.1)


def test_a_study_whose_baseline_has_not_finished_can_be_looked_at(tmp_path, capsys):
    arms = {"plain": "none", "l1": "l1=1e-4"}
    asked = [Asked(f"{arm}{seed}", name, seed) for name, arm in arms.items() for seed in (0, 1)]
    Sweep([], "mine", "plain", None, asked).write(tmp_path)
    for seed in (0, 1):
        result(tmp_path / f"{seed}", "l1=1e-4", seed, 0.9, **L1)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["arm"]) == ["l1=1e-4"] and comparison.unfinished == 2
    assert comparison.remarks == ["plain: has no result yet; compared with l1=1e-4 instead"]
    with pytest.raises(ConfigError, match=r"baseline=bogus: must be one of l1, l1=1e-4, plain$"):
        compare_folders(tmp_path, baseline="bogus")


def test_arms_on_several_data_settings_are_one_family(tmp_path):
    random = np.random.default_rng(0)
    for split in range(4):
        dataset = {"name": "digits", "split_seed": split}
        for seed, (one, other) in enumerate(random.normal(0.9, 0.01, (8, 2))):
            result(tmp_path / f"{split}-0{seed}", "none", seed, one, dataset=dataset)
            result(tmp_path / f"{split}-1{seed}", "l1=1e-4", seed, other, dataset=dataset, **L1)
    arms = compare_folders(tmp_path).arms
    assert arms["p"].notna().sum() == 4
    assert arms["p_holm"].tolist() == pytest.approx(holm(arms["p"]).tolist(), nan_ok=True)


def test_the_direction_of_a_metric_is_its_names_or_told(tmp_path):
    for seed in range(6):
        metrics = {"loss/val": 0.1, "loss/test": 0.5 + seed / 100, "rmse/test": 0.5 + seed / 100, "score/test": 0.5}
        for arm, more, changed in (("none", 0.0, {}), ("l1=1e-4", 0.1 + seed / 1000, L1)):
            folder = tmp_path / f"{arm}{seed}"
            result(folder, arm, seed, 0.9, **changed)
            content = json.loads((folder / "result.json").read_text())
            content["metrics"] = {name: value + more for name, value in metrics.items()}
            (folder / "result.json").write_text(json.dumps(content))
    for metric, told, verdict in (
        ("loss/test", None, "worse"),
        ("rmse/test", None, "worse"),
        ("score/test", True, "better"),
        ("score/test", False, "worse"),
    ):
        arms = compare_folders(tmp_path, metric=metric, higher_is_better=told).arms
        assert list(arms["verdict"]) == ["baseline", verdict]
    with pytest.raises(ConfigError, match=r"score/test: its name doesn't tell .* --better higher or lower"):
        compare_folders(tmp_path, metric="score/test")
    assert main(["compare", str(tmp_path), "--metric", "score/test", "--better", "lower"]) == 0
