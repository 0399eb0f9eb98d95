"""The metrics of a task, by scikit-learn: once a run, of the weights that are kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import sklearn
from scipy.special import expit, softmax
from sklearn import metrics

from ablate.preprocessing.samples import Part, Split
from ablate.preprocessing.targets import Target
from ablate.preprocessing.tasks import TASKS

BINS = 15  # of the expected calibration error, as Guo et al. 2017 have


def predicted(target: Target, logits: np.ndarray) -> np.ndarray:
    """What a model says: probabilities of the classes, or of the labels, [n, k], or numbers in their unit, [n, k].

    logits: float32 [outputs, n].
    """
    said = logits.T.astype(np.float64)
    if target.task == "regression":
        return target.in_units(said)
    if target.task == "multiclass":
        return softmax(said, axis=1)
    p = expit(said)
    return p if target.task == "multilabel" else np.hstack([1 - p, p])


def figures(
    target: Target, y: np.ndarray, given: np.ndarray, names: Sequence[str], weight: np.ndarray | None = None
) -> dict[str, float]:
    """Metrics of the target's task, by name; NaN where one is undefined, as AUC is of one class.

    y: as `Target.answers` gives it; given: as `predicted` gives it; weight: [n].
    """
    if not np.isfinite(given).all():
        return dict.fromkeys(names, math.nan)
    with warnings.catch_warnings(), sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore")  # of what is undefined, which is NaN
        return {name: _value(name, target, y, given, weight) for name in names}


def of_test(split: Split, logits: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Metrics of what a model says of the test part. logits: [outputs, n]."""
    return figures(split.target, split.answers, predicted(split.target, logits), names, weights(split.test))


def trivial(split: Split) -> dict[str, float]:
    """The metrics of a constant answer on the test part: the classes' shares in the training part, or its mean."""
    target, train = split.target, split.train
    weight = None if train.weight is None else train.weight.numpy()
    y = train.y.numpy()
    if target.classes:
        y = np.eye(len(target.classes))[y]
    elif target.task == "regression":
        y = target.in_units(y)
    constant = np.average(y, axis=0, weights=weight)
    given = np.tile(constant, (len(split.test), 1))
    return figures(target, split.answers, given, TASKS[target.task].metrics, weights(split.test))


def weights(part: Part) -> np.ndarray | None:
    return None if part.weight is None else part.weight.numpy()


def _value(name: str, target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
    try:
        return float(_METRICS[name](target, y, given, weight))
    except ValueError:  # one class alone
        return math.nan


def _labels(target: Target, given: np.ndarray) -> np.ndarray:
    return given > 0.5 if target.task == "multilabel" else given.argmax(1)


def _auc(target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
    if target.task == "binary":
        return metrics.roc_auc_score(y, given[:, 1], sample_weight=weight)
    labels = None if target.task == "multilabel" else np.arange(given.shape[1])
    return metrics.roc_auc_score(y, given, multi_class="ovr", average="macro", labels=labels, sample_weight=weight)


def _f1(target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
    average = "binary" if target.task == "binary" else "macro"
    return metrics.f1_score(y, _labels(target, given), average=average, sample_weight=weight, zero_division=0)


def _log_loss(target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
    if target.task == "multilabel":
        both = [np.stack([1 - p, p], 1) for p in given.T]
        each = (metrics.log_loss(own, p, labels=[0, 1], sample_weight=weight) for own, p in zip(y.T, both, strict=True))
        return float(np.mean(list(each)))
    return metrics.log_loss(y, given, labels=np.arange(given.shape[1]), sample_weight=weight)


def _brier(target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
    """Of two classes (p − y)², from 0 to 1; of more classes the sum over them; of several labels their mean."""
    if target.task == "multilabel":
        return float(np.average(np.square(given - y).mean(1), weights=weight))
    p = given[:, 1] if target.task == "binary" else given
    return metrics.brier_score_loss(y, p, labels=np.arange(given.shape[1]), sample_weight=weight)


def _ece(target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
    """How far confidence is from accuracy, over bins of confidence (Guo et al. 2017)."""
    confidence, right = given.max(1), given.argmax(1) == y
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    weight = np.ones(len(y)) if weight is None else weight
    gaps = np.bincount(place, weight * (confidence - right), minlength=BINS)
    return np.abs(gaps).sum() / weight.sum()


def _sklearn(name: str, **options: Any) -> Any:
    def value(target: Target, y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
        answer = given if target.task == "regression" else _labels(target, given)
        return getattr(metrics, name)(y, answer, sample_weight=weight, **options)

    return value


_METRICS = {
    "accuracy": _sklearn("accuracy_score"),
    "balanced_accuracy": _sklearn("balanced_accuracy_score"),
    "auc": _auc,
    "f1": _f1,
    "log_loss": _log_loss,
    "brier": _brier,
    "ece": _ece,
    "rmse": _sklearn("root_mean_squared_error"),
    "mae": _sklearn("mean_absolute_error"),
    "r2": _sklearn("r2_score"),
}
