from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ablate.analysis import studies
from ablate.analysis.comparison import compare_folders
from ablate.report.terminal import conclude
from ablate.utils.errors import ConfigError
from ablate.report.tables import latex, main_table, markdown, sentences

BASE = {
    "device": "cpu",
    "dataset": {"name": "digits", "root": "a"},
    "model": {"name": "mlp", "dropout": 0.0},
    "regularizer": {"layers": "all", "dropout": 0.0, "l1": 0.0},
    "early_stopping": {"patience": None, "restore_best_weights": False},
    "optimizer": {"lr": 0.001},
}


def result(
    folder: Path, arm: str, seed: int, accuracy: float, status: str = "finished", loss: float = 0.2, **changed: object
) -> None:
    config = BASE | {"seed": seed} | changed
    metrics = {"loss/train": 0.1, "loss/val": loss, "accuracy/train": 1.0, "accuracy/test": accuracy}
    content = {
        "status": status,
        "run_id": f"{arm}{seed}",
        "arm": arm,
        "seed": seed,
        "config": config,
        "metrics": metrics if status != "failed" else {},
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


@pytest.mark.parametrize(
    ("command", "study", "how"),
    [
        (["-m", "study=mine"], "mine", "the same command does"),
        (["-m", "seed=0,1"], None, "the same command with hydra.sweep.dir=sweep does"),
        (["-m", "seed=0,1", "hydra.sweep.dir=sweep"], None, "the same command does"),
    ],
)
def test_a_sweep_that_was_interrupted_says_how_to_go_on(tmp_path, monkeypatch, capsys, command, study, how):
    monkeypatch.chdir(tmp_path)
    result(Path("sweep/0"), "none", 0, 0.5)
    asked = [studies.Asked(f"none{seed}", None, seed) for seed in (0, 1)]
    studies.Sweep(command, study, None, None, asked).write(Path("sweep"))
    assert conclude([Path("sweep")], reused=set()) == 0
    assert f"left    1 run: {how} them" in capsys.readouterr().out
    assert conclude([Path("sweep")]) == 0  # somebody who looks on
    assert "left " not in capsys.readouterr().out


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


def test_namesakes_that_differ_in_a_key_are_told_apart_by_it(tmp_path):
    for i, lr in enumerate([0.1, 0.2]):
        result(tmp_path / f"{i}", "none", 0, 0.9, optimizer={"lr": lr})
    assert list(compare_folders(tmp_path).runs["arm"]) == ["none lr=0.1", "none lr=0.2"]


def test_keys_that_cannot_matter_make_no_new_arm(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.9, device="cuda", dataset={"name": "digits", "root": "b"})
    result(tmp_path / "2", "none", 2, 0.9, regularizer=BASE["regularizer"] | {"dropout": 0.2, "layers": "hidden"})
    assert list(compare_folders(tmp_path).arms["n"]) == [3]


def test_of_several_strengths_validation_loss_chooses_and_the_rest_is_exploratory(tmp_path):
    for seed in range(6):
        result(tmp_path / f"none{seed}", "none", seed, 0.90 + seed / 1000)
        for i, (strength, loss, accuracy) in enumerate([(1e-4, 0.3, 0.99), (1e-3, 0.1, 0.92), (1e-2, 0.2, 0.95)]):
            regularizer = BASE["regularizer"] | {"l1": strength}
            folder = tmp_path / f"l1{i}-{seed}"
            result(folder, f"l1={strength:g}", seed, accuracy + seed**2 / 1e4, loss=loss, regularizer=regularizer)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["arm"]) == ["none", "l1=0.001"]
    assert list(comparison.arms["chosen_from"]) == [1, 3]
    strengths = comparison.strengths
    assert list(strengths["value"]) == [1e-4, 1e-3, 1e-2] and set(strengths["key"]) == {"l1"}
    assert list(strengths["chosen"]) == [False, True, False]
    text = markdown(comparison)
    assert "exploratory" in text and "chosen by validation loss: l1=0.001 of 3" in text
    assert text.index("is better than none") < text.index("exploratory") < text.index("l1=0.01 ")


def test_a_strength_of_which_a_run_failed_is_not_chosen(tmp_path):
    for seed in range(2):
        regularizer = BASE["regularizer"] | {"l1": 1e-3}
        result(tmp_path / f"a{seed}", "l1=1e-4", seed, 0.9, loss=0.3, **L1)
        status = ("finished", "diverged")[seed]
        result(tmp_path / f"b{seed}", "l1=1e-3", seed, 0.9, loss=0.1, status=status, regularizer=regularizer)
    assert list(compare_folders(tmp_path).arms["arm"]) == ["l1=1e-4"]


def test_failed_runs_are_counted_and_named(tmp_path, capsys):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.0, status="diverged")
    assert conclude([tmp_path]) == 1
    assert "none seed 1: diverged: loss/train is nan in epoch 3" in capsys.readouterr().out
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["n"]) == [1] and list(comparison.arms["mean"]) == [0.9]
    assert list(comparison.arms["failed"]) == [1] and list(main_table(comparison)["failed"]) == ["1"]


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
    asked = [studies.Asked(run_id, "plain", 0) for run_id in ("none0", "none7")]
    studies.Sweep([], "mine", "plain", "accuracy/test", asked).write(tmp_path)
    comparison = compare_folders(tmp_path)
    assert (len(comparison.runs), comparison.unfinished, comparison.others) == (1, 1, 1)
    text = markdown(comparison)
    assert "1 run of this sweep not done yet" in text and "1 result of other settings" in text


def test_nothing_to_compare_is_said(tmp_path, capsys):
    assert conclude([tmp_path]) == 2
    assert "no results there yet" in capsys.readouterr().err
    assert conclude([tmp_path / "nowhere"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_few_seeds_give_no_verdict_and_the_table_says_so(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "l1=1e-4", 0, 0.95, **L1)
    comparison = compare_folders(tmp_path)
    assert sentences(comparison) == ["Too few seeds for a verdict on l1=1e-4: 1 shared with none, 6 are needed."]
    assert "| l1=1e-4 | 1 | 95.00 | +5.00 |" in markdown(comparison)


def test_verdicts_are_told_in_words_and_units(tmp_path):
    for seed in range(6):
        result(tmp_path / f"0{seed}", "none", seed, 0.90 + seed / 1000)
        result(tmp_path / f"1{seed}", "l1=1e-4", seed, 0.95 + seed / 900, **L1)
    (better,) = sentences(compare_folders(tmp_path))
    assert better.startswith("l1=1e-4 is better than none: +5.03 points of test accuracy (95 % interval +5.")
    (worse,) = sentences(compare_folders(tmp_path, baseline="l1=1e-4"))
    assert worse.startswith("none is worse than l1=1e-4: -5.03 points of test accuracy")


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


def test_repeated_runs_count_once_and_are_said(tmp_path):
    for folder in ("a", "b"):
        result(tmp_path / folder, "none", 0, 0.9)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["n"]) == [1] and list(comparison.arms["failed"]) == [0]
    assert "1 result of an arm and seed that is there already" in markdown(comparison)


def test_latex_escapes_what_it_would_take_for_commands(tmp_path):
    result(tmp_path / "0", "100%_{x}&$^~#", 0, 0.9)
    text = latex(compare_folders(tmp_path))
    assert "100\\%\\_\\{x\\}\\&\\$\\^{}\\~{}\\#" in text and "\\toprule" in text


def test_a_study_names_the_arms_that_their_regularizers_do_not_tell_apart(tmp_path):
    asked = []
    arms = [("plain", {"lr": 0.1}, BASE), ("plain", {"lr": 0.2}, BASE), ("wide", {"lr": 0.1, "big": 1}, BASE)]
    for i, (name, optimizer, config) in enumerate([*arms, ("lasso", {"lr": 0.1}, BASE | L1)]):
        result(tmp_path / f"{i}", "l1=1e-4" if name == "lasso" else "none", i, 0.9, **config | {"optimizer": optimizer})
        asked.append(studies.Asked(("l1=1e-4" if name == "lasso" else "none") + str(i), name, i))
    studies.Sweep([], "mine", "plain", "accuracy/test", asked).write(tmp_path)
    assert list(compare_folders(tmp_path).runs["arm"]) == ["plain lr=0.1", "plain lr=0.2", "wide", "l1=1e-4"]


def test_a_study_whose_baseline_has_not_finished_can_be_looked_at(tmp_path, capsys):
    arms = {"plain": "none", "l1": "l1=1e-4"}
    asked = [studies.Asked(f"{arm}{seed}", name, seed) for name, arm in arms.items() for seed in (0, 1)]
    studies.Sweep([], "mine", "plain", None, asked).write(tmp_path)
    for seed in (0, 1):
        result(tmp_path / f"{seed}", "l1=1e-4", seed, 0.9, **L1)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["arm"]) == ["l1=1e-4"] and comparison.unfinished == 2
    assert comparison.remarks == ["plain: has no result yet; compared with l1=1e-4 instead"]
    with pytest.raises(ConfigError, match=r"baseline=bogus: must be one of l1, l1=1e-4, plain$"):
        compare_folders(tmp_path, baseline="bogus")
