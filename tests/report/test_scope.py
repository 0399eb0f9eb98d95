"""How far verdicts reach, in sentences."""

from __future__ import annotations

import json
from pathlib import Path

from ablate.analysis.comparison import compare_folders
from ablate.report.scope import scope
from helpers import L1, result

FIXED = {"name": "digits", "split_seed": 0, "val_fraction": 0.2, "test_fraction": 0.2}


def study(folder: Path, accuracies: dict[str, float], samples: dict[str, int] | None, **dataset: object) -> list[str]:
    """What is said of arms with these accuracies (none, l1=1e-4), over 6 seeds that wobble by 3 points."""
    for arm, accuracy in accuracies.items():
        for seed in range(6):
            run = folder / f"{arm}-{seed}-{dataset.get('split_seed')}"
            changed = L1 if arm != "none" else {}
            wobble = (0.015 if arm == "none" else 0.01) * (-1) ** seed
            result(run, arm, seed, accuracy + wobble, dataset=FIXED | dataset, **changed)
            if samples is not None:
                content = json.loads((run / "result.json").read_text())
                (run / "result.json").write_text(json.dumps(content | {"data": {"rows": samples}}))
    return scope(compare_folders(folder))


HERE = "a verdict is about this split alone, and another split might give another."
SAMPLES = {"train": 341, "val": 114, "test": 114}


def test_a_fixed_split_and_coarse_figures_are_said(tmp_path):
    assert study(tmp_path, {"none": 0.9, "l1=1e-4": 0.92}, SAMPLES) == [
        f"Every seed was tested on the same 114 samples (one of them is 0.88 points): {HERE}"
    ]


def test_figures_that_are_fine_enough_are_no_matter(tmp_path):
    assert study(tmp_path, {"none": 0.9, "l1=1e-4": 0.92}, SAMPLES | {"test": 10000}) == [
        f"Every seed was tested on the same 10,000 samples: {HERE}"
    ]


def test_results_that_do_not_tell_of_their_samples_have_a_split_all_the_same(tmp_path):
    assert study(tmp_path, {"none": 0.9, "l1=1e-4": 0.92}, None) == [
        f"Every seed was tested on the same samples: {HERE}"
    ]


def test_splits_that_follow_the_seed_are_no_fixed_ones(tmp_path):
    (said,) = study(tmp_path, {"none": 0.9, "l1=1e-4": 0.92}, SAMPLES, split_seed=None)
    assert said == "Every seed was tested on 114 samples of its own split (one of them is 0.88 points)."


def test_several_data_settings_have_a_split_each(tmp_path):
    study(tmp_path, {"none": 0.9, "l1=1e-4": 0.92}, SAMPLES, split_seed=1)
    (said,) = study(tmp_path, {"none": 0.9, "l1=1e-4": 0.92}, SAMPLES | {"test": 90}, split_seed=2)
    assert said.startswith("In each data setting, every seed was tested on the same 90 or 114 samples (one of them is ")


def test_one_arm_alone_has_no_verdict_to_speak_of(tmp_path):
    assert study(tmp_path, {"none": 0.6}, SAMPLES) == []
