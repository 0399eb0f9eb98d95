"""What can be asked of samples, and by which figures an answer is judged. Light.

Metrics have scikit-learn's names and formulas; `training.metrics` has it compute them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """watched: the metric that every epoch has; metrics: all that a result has of the test part, the first by default
    what verdicts are about.
    """

    name: str
    watched: str
    metrics: tuple[str, ...]


_CLASSES = ("accuracy", "balanced_accuracy", "auc", "f1", "log_loss", "brier", "ece")
TASKS = {
    task.name: task
    for task in (
        Task("binary", "accuracy", _CLASSES),
        Task("multiclass", "accuracy", _CLASSES),
        Task("multilabel", "accuracy", ("accuracy", "auc", "f1", "log_loss", "brier")),
        Task("regression", "rmse", ("rmse", "mae", "r2")),
    )
}
PERCENT = frozenset({"accuracy", "balanced_accuracy"})  # shares that are written in per cent
