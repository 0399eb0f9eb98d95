"""One of several strengths is chosen, by validation loss."""

from __future__ import annotations

from ablate.analysis.comparison import compare_folders
from ablate.report.tables import markdown
from helpers import BASE, L1, result


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
