"""Whether any arm does better than a constant answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ablate.analysis.comparison import Comparison, compare_folders
from ablate.report.tables import markdown
from ablate.report.text import notes, sentences
from ablate.report.trivial import constants, unbeaten
from helpers import BASE, L1, result

TEST = 114
CLASSES = {"accuracy/test": 0.63, "auc/test": 0.5, "log_loss/test": 0.66, "ece/test": 0.0, "f1/test": None}


def arms(
    folder: Path,
    figures: dict[str, dict[str, float]],
    trivial: dict[str, float | None],
    metric: str | None = None,
    name: str = "patients.csv",
    task: str = "binary",
) -> Comparison:
    """Arms (none, l1=1e-4) with these figures of the test part, over 6 seeds that wobble by a hundredth of them."""
    for arm, of_test in figures.items():
        for seed in range(6):
            run = folder / f"{name}-{arm}-{seed}"
            result(run, arm, seed, 0.0, dataset={"name": name}, **(L1 if arm != "none" else {}))
            content: dict[str, Any] = json.loads((run / "result.json").read_text())
            wobble = 1 + 0.01 * (-1) ** seed
            content["metrics"] = {"loss/val": 0.1} | {key: value * wobble for key, value in of_test.items()}
            content["data"] = {"name": name, "task": task, "rows": {"test": TEST}, "trivial": trivial}
            (run / "result.json").write_text(json.dumps(content))
    return compare_folders(folder, metric=metric)


@pytest.mark.parametrize(("accuracy", "said"), [(0.63, True), (0.70, True), (0.50, True), (0.73, False)])
def test_accuracies_that_are_not_above_the_majority_but_by_chance_are_said_first(tmp_path, accuracy, said):
    # 0.63 + 1.96·√(0.63·0.37/114) = 0.7186
    comparison = arms(tmp_path, {"none": {"accuracy/test": 0.63}, "l1=1e-4": {"accuracy/test": accuracy}}, CLASSES)
    found = unbeaten(comparison)
    assert bool(found) == said
    if said:
        (line,) = found
        assert sentences(comparison)[0] == line and markdown(comparison).index(line[:40]) < markdown(comparison).index(
            "|"
        )
        assert line.startswith(
            "No arm is above 63.00 % test accuracy, what always naming the most frequent class gives"
        )
        assert "by more than 114 samples can tell from chance" in line
        assert "63.00 % is that class's share of the test part." in line


def test_of_a_rare_class_other_metrics_are_named_where_the_runs_have_them(tmp_path):
    figures = {"accuracy/test": 0.95, "auc/test": 0.7, "balanced_accuracy/test": 0.6}
    (line,) = unbeaten(arms(tmp_path, {"none": figures}, {"accuracy/test": 0.95, "auc/test": 0.5}))
    assert "95.00 % is that class's share" in line
    assert line.endswith("; study.metric=auc or study.metric=balanced_accuracy counts a rare class as much.")


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("auc", 0.5, True),
        ("auc", 0.505, True),  # its interval is ± 0.0058
        ("auc", 0.52, False),
        ("auc", 0.4, True),
        ("log_loss", 0.66, True),
        ("log_loss", 0.60, False),
        ("log_loss", 0.70, True),
        ("ece", 0.2, False),  # a constant answer is as well calibrated as one can be
    ],
)
def test_by_other_metrics_the_interval_over_the_seeds_decides(tmp_path, metric, value, said):
    comparison = arms(tmp_path, {"none": {f"{metric}/test": value}}, CLASSES, metric)
    assert bool(unbeaten(comparison)) == said


def test_of_a_regression_the_best_arm_is_set_against_the_mean(tmp_path):
    trivial = {"rmse/test": 77.0, "mae/test": 64.0}
    figures = {"none": {"rmse/test": 80.0}, "l1=1e-4": {"rmse/test": 77.0}}
    comparison = arms(tmp_path, figures, trivial, task="regression")
    assert unbeaten(comparison) == [
        "No arm is better than always answering the mean, which gives test RMSE 77.00: the best, l1=1e-4, gives 77.00 "
        "(95 % interval 76.11 to 77.89). They may have learnt nothing that helps."
    ]
    assert "always answering the mean gives test RMSE 77.00" in notes(comparison)


def test_without_a_figure_of_the_metric_the_tasks_first_is_looked_at(tmp_path):
    comparison = arms(tmp_path, {"none": {"accuracy/test": 0.63, "loss/test": 0.1}}, CLASSES, "loss")
    assert unbeaten(comparison)[0].startswith("No arm is above 63.00 % test accuracy")
    assert constants(comparison) == ["always naming the most frequent class gives test accuracy 63.00 %"]


def test_data_without_such_figures_are_silent_and_several_are_named(tmp_path):
    result(tmp_path / "old", "none", 0, 0.1)
    assert unbeaten(compare_folders(tmp_path)) == constants(compare_folders(tmp_path)) == []
    good, bad = {"none": {"accuracy/test": 0.9}}, {"none": {"accuracy/test": 0.6}}
    arms(tmp_path, good, CLASSES)
    (line,) = unbeaten(arms(tmp_path, bad, CLASSES, name="new.csv"))
    assert line.startswith("No arm on new.csv is above")
    assert len(constants(compare_folders(tmp_path))) == 2


def test_splits_of_their_own_have_figures_of_their_own(tmp_path):
    for seed in range(6):
        run = tmp_path / str(seed)
        result(run, "none", seed, 0.0, dataset=BASE["dataset"] | {"split_seed": None, "test_fraction": 0.2})
        content = json.loads((run / "result.json").read_text())
        content["metrics"] = {"rmse/test": 10.0 + seed - 1 - seed / 100}
        content["data"] = {"task": "regression", "trivial": {"rmse/test": 10.0 + seed}}
        (run / "result.json").write_text(json.dumps(content))
    comparison = compare_folders(tmp_path)
    assert constants(comparison) == ["always answering the mean gives test RMSE 12.50"]
    assert unbeaten(comparison) == []  # though 12 ± 1.9 is not below 12.5: each is compared on its own split
