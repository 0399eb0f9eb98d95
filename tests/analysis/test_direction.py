"""Whether higher is better, as the names of metrics tell."""

from __future__ import annotations

import pytest

from ablate.analysis.direction import higher_is_better
from ablate.analysis.metrics import METRICS
from ablate.utils.errors import ConfigError


@pytest.mark.parametrize(
    ("better", "names"),
    [
        (
            False,
            "loss/test val_loss valLoss test/rmse testRMSE mae MSE perplexity log-loss log_loss logloss brier_score "
            "error_rate top5_error huber_loss cross_entropy nll loss1",
        ),
        (
            True,
            "accuracy/test val_accuracy acc acc5 top-1-accuracy balanced_accuracy auc roc_auc rocAUC AUROC f1 f1_score "
            "F1 macro_f1 r2 R² test_r2 precision recall log_likelihood",
        ),
    ],
)
def test_known_names_and_parts_of_names_decide(better, names):
    assert {name: higher_is_better(name) for name in names.split()} == dict.fromkeys(names.split(), better)


@pytest.mark.parametrize(
    "name",
    ["score", "figure", "", "closs", "lossy", "neg_log_loss", "negative_log_likelihood", "accuracy_drop", "loss gain",
     "1 - accuracy", "1-auc", "-loss", "1/rmse", "accuracy_std", "generalization_gap", "accuracy_error", "minus_f1"],
)  # fmt: skip
def test_other_names_have_to_be_told(name):
    with pytest.raises(ConfigError, match=r"say higher_is_better=True or False, on the command line --better"):
        higher_is_better(name)


def test_the_direction_of_every_metric_of_a_task_is_known():
    lower = {name for name in METRICS if not higher_is_better(name)}
    assert lower == {f"{name}/test" for name in ("loss", "log_loss", "brier", "ece", "rmse", "mae")}
