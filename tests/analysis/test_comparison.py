"""What a sweep says: its arms against the baseline."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis import comparison
from ablate.analysis.comparison import compare_folders
from ablate.analysis.inference import holm
from ablate.cli.main import main
from ablate.records.sweeps import Asked, Sweep
from ablate.report.tables import latex, main_table, markdown
from ablate.utils.errors import ConfigError
from helpers import BASE, L1, result


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


def tell(folder: Path, **told: object) -> None:
    """Have the result in this folder tell more; of figures, beside those that it has."""
    content = json.loads((folder / "result.json").read_text())
    metrics = content["metrics"] | told.pop("metrics", {})
    (folder / "result.json").write_text(json.dumps(content | {"metrics": metrics} | told))


@pytest.mark.parametrize(
    ("metric", "order"), [("loss/test", ["plain", "l1", "d"]), ("score/test", ["plain", "d", "l1"])]
)
def test_the_best_arm_comes_first_whichever_way_the_metric_is_better(tmp_path, metric, order):
    asked = []
    for arm, value in (("d", 0.4), ("plain", 0.3), ("l1", 0.2)):
        result(tmp_path / arm, arm, 0, 0.9, optimizer={"lr": value})
        tell(tmp_path / arm, metrics={metric: value})
        asked.append(Asked(f"{arm}0", arm, 0))
    Sweep([], "mine", "plain", metric, asked).write(tmp_path)
    comparison = compare_folders(tmp_path, higher_is_better=None if metric == "loss/test" else True)
    assert (comparison.metric, comparison.higher_is_better) == (metric, metric == "score/test")
    assert list(comparison.arms["arm"]) == order and list(comparison.arms.index) == [0, 1, 2]
    assert comparison.sweep is not None and comparison.sweep.study == "mine"


def test_what_is_told_of_an_arm_beside_its_verdict(tmp_path):
    data = {"data": {"rows": {"train": 300, "val": 100, "test": 100}}}
    for seed in (0, 1, 2):
        result(tmp_path / f"0{seed}", "none", seed, 0.8 + seed / 10, loss=0.1 + seed / 10)
        status = "diverged" if seed == 1 else "finished"
        result(tmp_path / f"1{seed}", "l1=1e-4", seed, 0.9, status, 0.5 - seed / 10, optimizer={"lr": 0.1}, **L1)
        tell(tmp_path / f"0{seed}", **(data if seed else {}))
    arms = compare_folders(tmp_path).arms.set_index("arm")
    assert list(arms["baseline"]) == ["none", "none"] and list(arms["chosen_from"]) == [1, 1]
    assert list(arms["n"]) == [3, 2] and list(arms["pairs"]) == [0, 2] and list(arms["failed"]) == [0, 1]
    assert list(arms["also_differs_in"]) == ["", "optimizer.lr"]
    assert list(arms["regularized_alike"]) == [True, False]
    assert list(arms["data"]) == ["dataset.name=digits"] * 2 and list(arms["overlap"]) == [0, 0]
    assert list(arms["test_samples"]) == [100, 100]
    assert list(arms["loss/val"]) == pytest.approx([0.2, 0.4])  # of the runs that finished
    assert list(arms["near_zeros"]) == [0.25, 0.25] and list(arms["epochs"]) == [10, 10]
    assert arms["mean"].tolist() == pytest.approx([0.9, 0.9])


def test_what_no_result_tells_is_not_a_number(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    arms = compare_folders(tmp_path).arms
    assert arms["test_samples"].isna().all()


def test_a_run_that_was_done_twice_counts_once_as_it_was_last(tmp_path):
    for folder, accuracy, status in (("9", 0.5, "finished"), ("10", 0.7, "finished"), ("11", 0.1, "failed")):
        result(tmp_path / folder, "none", 0, accuracy, status)
    comparison = compare_folders(tmp_path)
    assert [Path(folder).name for folder in comparison.runs["folder"]] == ["9", "10", "11"]
    assert comparison.arms[["n", "mean", "failed"]].iloc[0].tolist() == [1, 0.7, 0]


@pytest.mark.parametrize(("baseline", "other"), [("plain", "same"), ("same", "plain")])
def test_of_two_arms_with_the_same_settings_one_has_the_row(tmp_path, baseline, other):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "l1=1e-4", 0, 0.8, **L1)
    asked = [Asked("none0", "plain", 0), Asked("none0", "same", 0), Asked("l1=1e-40", "l1", 0)]
    Sweep([], "mine", baseline, None, asked).write(tmp_path)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["arm"]) == ["none", "l1=1e-4"]
    assert comparison.remarks == [f"{other}: has no row of its own, its settings are those of none"]


def test_the_row_of_two_arms_says_among_how_many_strengths_it_was_chosen(tmp_path):
    asked = [Asked("none0", "plain", 0), Asked("none0", "tried", 0)]
    result(tmp_path / "0", "none", 0, 0.9)
    for i, strength in enumerate((0.1, 0.01), start=1):
        regularizer = BASE["regularizer"] | {"l1": strength}
        result(tmp_path / str(i), f"l1={strength}", 0, 0.8, loss=0.9, regularizer=regularizer)
        asked.append(Asked(f"l1={strength}0", "tried", 0))
    Sweep([], "mine", "plain", None, asked).write(tmp_path)
    comparison = compare_folders(tmp_path)
    assert comparison.arms[["arm", "chosen_from"]].values.tolist() == [["none", 3]]
    assert list(comparison.strengths["value"]) == [0, 0.01, 0.1] and set(comparison.strengths["study_arm"]) == {"tried"}


def test_a_baseline_that_was_named_was_not_chosen(tmp_path):
    for i, (strength, loss) in enumerate(((0.1, 0.2), (0.01, 0.9))):
        result(
            tmp_path / str(i), f"l1={strength}", 0, 0.8, loss=loss, regularizer=BASE["regularizer"] | {"l1": strength}
        )
    arms = compare_folders(tmp_path, baseline="l1=0.01").arms
    assert arms[["arm", "chosen_from"]].values.tolist() == [["l1=0.01", 1], ["l1=0.1", 2]]


def test_a_run_that_could_not_be_trained_is_a_row(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    asked = [Asked("none0", "plain", 0), Asked("", "broken", 0, error="model.hidden=0: must be more", typed="a=b")]
    Sweep([], "mine", "plain", None, asked).write(tmp_path)
    comparison = compare_folders(tmp_path)
    assert comparison.arms[["arm", "n", "failed"]].values.tolist() == [["none", 1, 0], ["broken", 0, 1]]
    assert list(comparison.runs["error"].dropna()) == ["model.hidden=0: must be more"]
    assert (comparison.unfinished, comparison.others) == (0, 0)


def test_runs_that_could_not_be_trained_are_told_apart_by_what_was_typed(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    typed = ("model.hidden=0", "model.hidden=-1")
    asked = [Asked(word, None, 0, error="must be more", typed=word) for word in typed]
    Sweep([], None, None, None, [Asked("none0", None, 0), *asked]).write(tmp_path)
    assert list(compare_folders(tmp_path).arms["arm"]) == ["none", *typed]


def test_a_metric_or_baseline_that_is_misspelt_is_told_the_nearest(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    tell(tmp_path / "0", metrics={"loss/test": 0.1})
    said = r"^metric=acuracy/test: must be one of accuracy/test, loss/test \(did you mean accuracy/test\?\)$"
    with pytest.raises(ConfigError, match=said):
        compare_folders(tmp_path, metric="acuracy/test")
    with pytest.raises(ConfigError, match=r"^baseline=non: must be one of none \(did you mean none\?\)$"):
        compare_folders(tmp_path, baseline="non")


def test_every_data_setting_has_the_arm_without_regularizer_for_its_baseline(tmp_path):
    strong = {"regularizer": BASE["regularizer"] | {"l1": 0.1}}
    arms = (("l1=1e-4", 0.2, L1), ("none", 0.2, {}), ("l1=0.1", 0.9, strong))
    for i, dataset in enumerate(({"name": "noise", "samples": 10}, {"name": "digits"})):
        for j, (arm, loss, changed) in enumerate(arms):
            result(tmp_path / f"{i}{j}", arm, 0, 0.9 - i / 10 - j / 100, loss=loss, dataset=dataset, **changed)
    comparison = compare_folders(tmp_path)
    assert comparison.arms[["arm", "chosen_from", "baseline"]].values.tolist() == [
        ["none dataset=noise", 1, "none dataset=noise"],  # as they come, not by name
        ["l1=1e-4 dataset=noise", 2, "none dataset=noise"],
        ["none dataset=digits", 1, "none dataset=digits"],
        ["l1=1e-4 dataset=digits", 2, "none dataset=digits"],
    ]
    assert comparison.strengths["value"].tolist() == [1e-4, 0.1] * 2
    assert comparison.strengths.index.tolist() == [0, 1, 2, 3]
    with_one = compare_folders(tmp_path, baseline="l1=1e-4 dataset=digits")
    assert with_one.remarks == ["l1=1e-4 dataset=digits: has no result yet; compared with none dataset=noise instead"]
    assert with_one.arms["baseline"].tolist() == ["none dataset=noise"] * 2 + ["l1=1e-4 dataset=digits"] * 2


def test_folders_are_compared_as_one_and_those_without_results_are_named(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/a, {tmp_path}/b: no results there yet$"):
        compare_folders(tmp_path / "a", tmp_path / "b")
    result(tmp_path / "b" / "0", "none", 1, 0.9)
    result(tmp_path / "a" / "0", "none", 0, 0.8)
    result(tmp_path / "a" / "1", "l1=1e-4", 0, 0.8, **L1)
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/c: no such folder$"):
        compare_folders(tmp_path / "a", tmp_path / "c")
    Sweep([], "mine", "plain", None, [Asked("none0", "plain", 0)]).write(tmp_path / "a")
    both = compare_folders(tmp_path / "a", tmp_path / "b")  # b doesn't tell what it was asked for: nothing is left out
    assert (len(both.runs), both.sweep, both.others, both.unfinished) == (3, None, 0, 0)
    Sweep([], "yours", "plain", None, [Asked("none1", "plain", 1)]).write(tmp_path / "b")
    asked = compare_folders(tmp_path / "a", tmp_path / "b")
    assert (len(asked.runs), asked.others, asked.unfinished) == (2, 1, 0)
    assert asked.sweep is not None and asked.sweep.study == "mine"


@pytest.mark.parametrize("digit", ["²", "①", "٣", "৪", "Ⅷ", "½"])
def test_folders_are_sorted_by_their_numbers_whatever_else_counts_as_a_digit(digit):
    names = [f"a{digit}-10/x", f"a{digit}-9/x", f"a{digit}", digit]
    ordered = sorted(names, key=comparison._natural)
    assert ordered.index(names[1]) < ordered.index(names[0])


def on(folder: Path, data: str, arm: str, accuracy: float, seed: int = 0, **config: object) -> None:
    """A run on samples of this fingerprint, which are called data.csv unless the config has a path."""
    origin = {"code": {}, "data": data}
    result(folder, arm, seed, accuracy, origin=origin, **(L1 if arm != "none" else {}) | config)
    name = config.get("dataset", {}).get("path", "data.csv") if isinstance(config.get("dataset", {}), dict) else ""
    tell(folder, data={"name": str(name).rpartition("/")[2]})


def test_files_of_other_paths_have_a_block_each(tmp_path):
    for place in ("a", "b"):
        for arm, accuracy in (("none", 0.9), ("l1=1e-4", 0.8)):
            dataset = {"name": "csv", "path": f"{place}/data.csv"}
            on(tmp_path / f"{place}{arm}", "1", arm, accuracy - (place == "b") / 2, dataset=dataset)
    compared = compare_folders(tmp_path)
    assert compared.arms[["arm", "mean"]].values.tolist() == [
        ["none path=a/data.csv", pytest.approx(0.9)],
        ["l1=1e-4 path=a/data.csv", pytest.approx(0.8)],
        ["none path=b/data.csv", pytest.approx(0.4)],
        ["l1=1e-4 path=b/data.csv", pytest.approx(0.3)],
    ]
    assert set(compared.runs["dataset"]) == {"data.csv (path=a/data.csv)", "data.csv (path=b/data.csv)"}


def test_a_file_that_has_changed_is_never_mixed_with_what_it_was(tmp_path):
    for data, accuracy in (("aaaaaa", 0.9), ("bbbbbb", 0.4)):
        for arm, less in (("none", 0.0), ("l1=1e-4", 0.1)):
            for seed in (0, 1):
                on(tmp_path / f"{data}{arm}{seed}", data, arm, accuracy - less, seed)
    compared = compare_folders(tmp_path)
    assert list(compared.arms["n"]) == [2] * 4
    assert compared.arms[["arm", "baseline"]].values.tolist() == [
        [f"{arm} data.csv@{data}", f"none data.csv@{data}"] for data in ("aaaa", "bbbb") for arm in ("none", "l1=1e-4")
    ]
    assert set(compared.runs["dataset"]) == {"data.csv (samples=aaaa)", "data.csv (samples=bbbb)"}
    assert "In each data setting" in markdown(compared)


def test_data_that_settings_do_not_tell_apart_are_named(tmp_path):
    for name, data in (("old", "aaaaaa"), ("new", "bbbbbb")):
        on(tmp_path / name, data, "none", 0.9)
        tell(tmp_path / name, data={"name": name})
    compared = compare_folders(tmp_path)
    assert sorted(compared.arms["arm"]) == ["none new", "none old"]
    assert sorted(compared.runs["dataset"]) == [
        "new",
        "old",
    ]


def test_samples_that_are_drawn_by_the_seed_of_a_split_of_ones_own_are_one_data_setting(tmp_path):
    for seed in range(3):
        on(tmp_path / f"{seed}", f"{seed}", "none", 0.9, seed, dataset={"name": "noise", "split_seed": None})
    assert list(compare_folders(tmp_path).arms["n"]) == [3]
    on(tmp_path / "again", "new", "none", 0.9, 0, dataset={"name": "noise", "split_seed": None})
    assert len(compare_folders(tmp_path).arms) == 4


def tasks(folder: Path, which: str) -> None:
    """A run of an arm on data for classes, and one on data of numbers."""
    for name, metrics in (("iris", {"accuracy/test": 0.9, "auc/test": 0.8}), ("diabetes", {"rmse/test": 55.0})):
        for arm in ("none", "l1=1e-4") if name in which else ():
            result(folder / f"{name}{arm}", arm, 0, 0.0, dataset={"name": name}, **(L1 if arm != "none" else {}))
            content = json.loads((folder / f"{name}{arm}" / "result.json").read_text())
            content["metrics"] = {"loss/val": 0.1, "loss/test": 0.2} | metrics
            (folder / f"{name}{arm}" / "result.json").write_text(json.dumps(content))


@pytest.mark.parametrize(("which", "metric"), [("iris", "accuracy/test"), ("diabetes", "rmse/test")])
def test_the_metric_is_the_first_of_the_task_where_none_is_asked_for(tmp_path, which, metric):
    tasks(tmp_path, which)
    compared = compare_folders(tmp_path)
    assert (compared.metric, compared.remarks) == (metric, []) and compared.arms["mean"].notna().all()


@pytest.mark.parametrize(
    ("asked", "metrics"),
    [
        (None, ["rmse/test", "accuracy/test"]),
        ("auc", ["rmse/test", "auc/test"]),
        ("rmse/test", ["rmse/test", "accuracy/test"]),
        ("loss", ["loss/test"]),
    ],
)
def test_data_of_several_tasks_are_compared_by_metrics_of_their_own_in_one_family(tmp_path, asked, metrics):
    tasks(tmp_path, "iris diabetes")
    compared = compare_folders(tmp_path, metric=asked)
    assert compared.metric == metrics[0] and compared.arms["mean"].notna().all() and len(compared.arms) == 4
    assert [part.metric for part in compared.parts] == metrics
    assert [part.higher_is_better for part in compared.parts] == [name[0] == "a" for name in metrics]
    assert sum(len(part.arms) for part in compared.parts) == sum(len(part.runs) for part in compared.parts) == 4
    tables = [main_table(part) for part in compared.parts]
    if asked is None:
        assert tables[0].columns[2] == "test RMSE" and tables[1].columns[2] == "test accuracy, %"
        assert tables[0]["test RMSE"].tolist() == ["55.00"] * 2
    assert markdown(compared).count("| --- |") == latex(compared).count("\\begin{table}") == len(metrics)


def test_a_direction_that_is_told_is_that_of_the_metric_that_is_asked_for(tmp_path):
    tasks(tmp_path, "iris diabetes")
    compared = compare_folders(tmp_path, metric="auc", higher_is_better=False)
    assert [(part.metric, part.higher_is_better) for part in compared.parts] == [
        ("rmse/test", False),
        ("auc/test", False),
    ]


def test_a_study_of_which_nothing_has_finished_keeps_its_metric(tmp_path, capsys):
    result(tmp_path / "0", "none", 0, 0.0, "failed")
    Sweep([], "mine", "plain", "auc/test", [Asked("none0", "plain", 0)]).write(tmp_path)
    assert compare_folders(tmp_path).metric == "auc/test" and capsys.readouterr().err == ""


def test_the_gap_is_how_much_worse_the_test_part_is(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    assert compare_folders(tmp_path).runs["gap"].tolist() == pytest.approx([0.1])
    content = json.loads((tmp_path / "0" / "result.json").read_text())
    content["metrics"] = {"rmse/train": 50.0, "rmse/test": 58.0}
    (tmp_path / "0" / "result.json").write_text(json.dumps(content))
    assert compare_folders(tmp_path).runs["gap"].tolist() == [8.0]


def test_splits_that_follow_the_seed_overlap_by_the_rows_that_there_are(tmp_path):
    dataset = {"name": "digits", "val_fraction": 0.2, "test_fraction": 0.2, "split_seed": None}
    result(tmp_path / "0", "none", 0, 0.9, dataset=dataset)
    assert compare_folders(tmp_path).runs["overlap"].tolist() == pytest.approx([1 / 3])
    tell(tmp_path / "0", data={"rows": {"train": 100, "test": 250}})
    assert compare_folders(tmp_path).runs["overlap"].tolist() == [2.5]
