"""A comparison in words."""

from __future__ import annotations

from ablate.analysis.comparison import compare_folders
from ablate.report.tables import markdown
from ablate.report.text import sentences
from helpers import BASE, L1, result


def test_few_seeds_give_no_verdict_and_the_table_says_so(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "l1=1e-4", 0, 0.95, **L1)
    comparison = compare_folders(tmp_path)
    assert sentences(comparison)[:-1] == ["Too few seeds for a verdict on l1=1e-4: 1 shared with none, 6 are needed."]
    assert "| l1=1e-4 | 1 | 95.00 | +5.00 |" in markdown(comparison)


def test_verdicts_are_told_in_words_and_units(tmp_path):
    for seed in range(6):
        result(tmp_path / f"0{seed}", "none", seed, 0.90 + seed / 1000)
        result(tmp_path / f"1{seed}", "l1=1e-4", seed, 0.95 + seed / 900, **L1)
    better, _ = sentences(compare_folders(tmp_path))
    assert better.startswith("l1=1e-4 is better than none: +5.03 points of test accuracy (95 % interval +5.")
    worse, _ = sentences(compare_folders(tmp_path, baseline="l1=1e-4"))
    assert worse.startswith("none is worse than l1=1e-4: -5.03 points of test accuracy")


def test_repeated_runs_count_once_and_are_said(tmp_path):
    for folder in ("a", "b"):
        result(tmp_path / folder, "none", 0, 0.9)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["n"]) == [1] and list(comparison.arms["failed"]) == [0]
    assert "1 result of an arm and seed that is there already" in markdown(comparison)


def test_arms_that_differ_in_more_than_regularization_are_told_as_such(tmp_path):
    wide = {"model": BASE["model"] | {"hidden": [8]}, "trainer": {"epochs": 3}}
    for seed in range(6):
        wobble = 0.001 * (seed % 3)
        result(tmp_path / f"0{seed}", "none", seed, 0.90)
        result(tmp_path / f"1{seed}", "l1=1e-4", seed, 0.95 + wobble, **L1 | wide)
        result(tmp_path / f"2{seed}", "none", seed, 0.902 + 0.01 * (-1) ** seed, optimizer={"lr": 0.1})
        result(tmp_path / f"3{seed}", "none", seed, 0.90 + 0.02 * (-1) ** seed, optimizer={"lr": 0.2})
    better, equal, *_ = sentences(compare_folders(tmp_path, baseline="none lr=0.001"))
    assert better.startswith(
        "l1=1e-4 is better than none lr=0.001 (also differs in model.hidden and trainer.epochs): +5"
    )
    assert " for none lr=0.1 and none lr=0.2 (differ in optimizer.lr); this study" in equal


def test_ties_and_equal_differences_claim_no_interval_and_nothing_that_could_be_detected(tmp_path):
    for seed in range(6):
        result(tmp_path / f"0{seed}", "none", seed, 0.9)
        result(tmp_path / f"1{seed}", "l1=1e-4", seed, 0.9, **L1)
    tie = compare_folders(tmp_path)
    assert sentences(tie)[0] == "In every seed, l1=1e-4 gave the figure that none gave."
    assert "| l1=1e-4 | 6 | 90.00 ± 0.00 | +0.00 |  | 1.000 | not detected |  |" in markdown(tie)
    for seed in range(6):
        regularizer = BASE["regularizer"] | {"l2": 1.0}
        result(tmp_path / f"2{seed}", "l2=1", seed, 0.8, regularizer=regularizer)
    same = sentences(compare_folders(tmp_path))
    assert same[1] == (
        "No difference from none was detected for l2=1; what could have been can't be said of a difference that is "
        "the same in every seed."
    )
    (worse, *_) = sentences(compare_folders(*(tmp_path / f"{arm}{seed}" for arm in (0, 2) for seed in range(6))))
    assert worse == (
        "l2=1 is worse than none: -10.00 points of test accuracy (the same in every seed, so without an interval; sign "
        "flips: p 0.031 after Holm's correction, 6 seeds)."
    )
