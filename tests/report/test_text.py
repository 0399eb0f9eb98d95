"""A comparison in words."""

from __future__ import annotations

from ablate.analysis.comparison import compare_folders
from ablate.report.tables import markdown
from ablate.report.text import sentences
from helpers import L1, result


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


def test_repeated_runs_count_once_and_are_said(tmp_path):
    for folder in ("a", "b"):
        result(tmp_path / folder, "none", 0, 0.9)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["n"]) == [1] and list(comparison.arms["failed"]) == [0]
    assert "1 result of an arm and seed that is there already" in markdown(comparison)
