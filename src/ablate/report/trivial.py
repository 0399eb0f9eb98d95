"""What one constant answer gives, and whether any arm does better: a study of arms that learnt nothing says little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.direction import higher_is_better
from ablate.analysis.inference import mean_interval
from ablate.analysis.metrics import FIRST
from ablate.analysis.runs import finished
from ablate.report.units import unit_of

SURE = 1.96  # standard errors
ALIKE = ("auc", "balanced_accuracy")  # metrics for which a rare class counts as much as a frequent one
CALIBRATED = "ece/test"  # by which a constant answer is good, so that it is no measure of having learnt


def unbeaten(comparison: Comparison) -> list[str]:
    """A sentence for all data on which no arm is better than a constant answer, by more than chance."""
    said = []
    for on, runs, metric in _settings(comparison):
        constant, unit = _constant(runs, metric), unit_of(replace(comparison, runs=runs), metric)
        better = higher_is_better(metric)
        if metric == CALIBRATED or any(_beats(of, metric, better) for _, of in runs.groupby("arm", sort=False)):
            continue
        words, samples = _answer(runs, metric), runs["test_samples"].mean()
        if metric != "accuracy/test":
            means = runs.groupby("arm", sort=False)[metric].mean()
            best = str(means.idxmax() if better else means.idxmin())
            low, high = (unit.value(end) for end in _interval(runs[runs["arm"] == best][metric], runs))
            sure = f" (95 % interval {low} to {high})" if low else ""
            said.append(
                f"No arm {on}is better than {words}, which gives {unit.name} {unit.value(constant)}: the best, "
                f"{best}, gives {unit.value(means[best])}{sure}. They may have learnt nothing that helps."
            )
            continue
        others = " or ".join(f"study.metric={name}" for name in ALIKE if f"{name}/test" in runs)
        instead = f"; {others} counts a rare class as much" if others else ""
        said.append(
            f"No arm {on}is above {unit.value(constant)} % test accuracy, what {words} gives, by more than "
            f"{samples:,.0f} samples can tell from chance: they may have learnt nothing that helps. "
            f"{unit.value(constant)} % is that class's share of the test part{instead}."
        )
    return said


def constants(comparison: Comparison) -> list[str]:
    """What a constant answer gives, in all data where results tell: a line of its own for each."""
    said = []
    for on, runs, metric in _settings(comparison):
        unit = unit_of(replace(comparison, runs=runs), metric)
        percent = " %" * (unit.scale == 100)
        said.append(f"{_answer(runs, metric)} {on}gives {unit.name} {unit.value(_constant(runs, metric))}{percent}")
    return said


def _settings(comparison: Comparison) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Of all data: words that name them, their arms' runs that finished, and by which figure these are judged.

    It is that of the comparison where what a constant answer gives is known by it, or else the task's first.
    """
    counted = finished(comparison.runs)
    counted = counted[counted["arm"].isin(comparison.arms["arm"])]
    compared = dict(zip(comparison.arms["data"], comparison.arms["metric"], strict=True))
    several = counted["dataset"].nunique() > 1
    for _, runs in counted.groupby("dataset", sort=False):
        metrics = [
            name for name in (compared[runs["data"].iloc[0]], *FIRST) if name in runs and runs[name].notna().any()
        ]
        if metric := next((name for name in metrics if not np.isnan(_constant(runs, name))), None):
            on = f"on {runs['dataset'].iloc[0]} " if several else ""
            yield on, runs, metric


def _constants(runs: pd.DataFrame, metric: str) -> pd.Series[float]:
    """Of every run; where every seed has a split of its own, they differ."""
    return pd.Series([subject.trivial.get(metric, np.nan) for subject in runs["subject"]], runs.index, dtype=float)


def _constant(runs: pd.DataFrame, metric: str) -> float:
    return float(_constants(runs, metric).mean())


def _beats(runs: pd.DataFrame, metric: str, higher: bool) -> bool:
    """Whether an arm is better than a constant answer, by more than chance as far as that can be told."""
    gained = (runs[metric] - _constants(runs, metric)) * (1 if higher else -1)
    share, samples = _constant(runs, metric), runs["test_samples"].mean()
    if metric == "accuracy/test":
        reach = SURE * np.sqrt(share * (1 - share) / samples)
        return bool(gained.mean() > (0 if np.isnan(reach) else reach))
    low = _interval(gained, runs).low
    return bool((gained.mean() if np.isnan(low) else low) > 0)


def _interval(figures: pd.Series[float], runs: pd.DataFrame) -> Any:
    return mean_interval(figures.dropna().to_numpy(), overlap=float(runs["overlap"].iloc[0]))


def _answer(runs: pd.DataFrame, metric: str) -> str:
    """The constant answer in words."""
    subject = runs["subject"].iloc[0]
    if metric in ("log_loss/test", "brier/test", "ece/test"):
        return "always answering the classes' shares"
    if metric.startswith(("rmse", "mae", "r2")) or subject.task == "regression":
        return "always answering the mean"
    if metric == "auc/test":
        return "one answer for all"
    if subject.task == "multilabel":
        return "always giving every label's most frequent value"
    return "always naming the most frequent class"
