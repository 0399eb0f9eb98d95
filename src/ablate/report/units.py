"""How figures are written: shares of right answers in per cent, errors in the target's unit, others as they are."""

from __future__ import annotations

import math

import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.direction import higher_is_better
from ablate.preprocessing.tasks import PERCENT, TASKS
from ablate.utils.text import fixed

NAMES = {"auc": "AUC", "f1": "F1", "brier": "Brier score", "ece": "calibration error", "rmse": "RMSE", "mae": "MAE",
         "r2": "R²"}  # fmt: skip
OF_TARGET = frozenset({"rmse", "mae"})  # in the target's unit, whatever that is
SIZED = OF_TARGET | {"loss"}  # of any size, and with so many digits that are not zeros in front:
DIGITS = 4


def spoken(metric: str) -> str:
    """`balanced accuracy` for `balanced_accuracy/test`."""
    name = metric.partition("/")[0]
    return NAMES.get(name, name.replace("_", " "))


class Unit:
    """How a metric is written. size: of its figures, where that decides the digits; target: what is predicted."""

    def __init__(self, metric: str, size: float = math.nan, target: str = "") -> None:
        figure, _, part = metric.partition("/")
        percent = figure in PERCENT
        self.scale, self.digits = (100, 2) if percent else (1, DIGITS)
        if figure in SIZED and size > 0:
            self.digits = min(max(DIGITS - 1 - math.floor(math.log10(size)), 0), 2 * DIGITS)
        of_target = f" of {target}" if target and figure in OF_TARGET else ""
        self.name = f"{part} {spoken(metric)}{of_target}"
        self.heading = f"{self.name}, %" if percent else self.name
        self.of_difference = ", points" if percent else ""

    def value(self, figure: float, signed: bool = False) -> str:
        if pd.isna(figure):
            return ""
        text = fixed(figure * self.scale, self.digits, "+" if signed else "")
        return text.replace("-", "+" if signed else "") if not text.strip("+-0.") else text  # no -0.00


def unit_of(comparison: Comparison, metric: str | None = None) -> Unit:
    """How a comparison writes a metric, by default its own: the least of its data decides the digits."""
    metric, runs = metric or comparison.metric, comparison.runs
    sizes = runs[metric].abs().groupby(runs["data"]).median() if metric in runs else pd.Series(dtype=float)
    targets = {subject.target for subject in runs["subject"]}
    return Unit(metric, float(sizes.min()), targets.pop() if len(targets) == 1 else "")


def watched(comparison: Comparison) -> str | None:
    """The figure that every epoch of these runs has, beside the loss; None where they have several, or none."""
    names = {task.watched for task in TASKS.values()}
    found = [name for name in sorted(names) if comparison.runs.get(f"{name}/test", pd.Series()).notna().any()]
    return found[0] if len(found) == 1 else None


def gap_heading(watched: str) -> str:
    """Of a figure whose higher values are better, the gap is training − test; of an error, test − training."""
    if higher_is_better(watched):
        return f"train−test gap, {'points' if watched in PERCENT else spoken(watched)}"
    return f"gap of {spoken(watched)}, test−train"


def p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"
