"""Learning curves of a comparison's arms: what the report shows of the runs' histories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.runs import finished
from ablate.preprocessing.tasks import PERCENT, TASKS
from ablate.records import results
from ablate.report import plots
from ablate.report.looks import Look
from ablate.report.plots import PANELS, Limits, padded
from ablate.report.units import Unit
from ablate.utils.text import count

POINTS = 200  # epochs of a curve that are drawn
WATCHED = tuple(dict.fromkeys(task.watched for task in TASKS.values()))  # figures of every epoch beside the loss
SCALES = {name: float(Unit(name).scale) for name in ("loss", *WATCHED)}


def section(comparison: Comparison, looks: dict[str, Look]) -> dict[str, Any]:
    """A panel an arm: means and bands over its finished runs. Arms without a history have none."""
    counted = finished(comparison.runs)
    runs_of = {arm: runs for arm in comparison.arms["arm"] if len(runs := counted[counted["arm"] == arm])}
    drawn = list(runs_of)[:PANELS]
    histories = {arm: [results.history(Path(folder)) for folder in runs_of[arm]["folder"]] for arm in drawn}
    summaries = {arm: summary for arm in drawn if not (summary := summarise(histories[arm])).empty}
    stops_of = {arm: runs_of[arm]["stopped_epoch"].dropna() for arm in summaries}
    limits = _limits(list(summaries.values()), [epoch for stops in stops_of.values() for epoch in stops])
    panels, references = [], 0
    for arm, baseline in zip(comparison.arms["arm"], comparison.arms["baseline"], strict=True):
        if arm not in summaries:
            continue
        summary, stops, best = summaries[arm], stops_of[arm], float(runs_of[arm]["best_epoch"].mean())
        reference = summaries.get(baseline) if baseline != arm else None
        references += reference is not None
        svg = plots.learning_curves(summary, reference, looks[arm], best, stops.unique().tolist(), limits)
        told = [] if np.isnan(best) else [f"best epoch {best:.0f}"]
        if len(stops):
            told.append(f"{len(stops)} of {count(len(runs_of[arm]), 'run')} stopped, at {stops.mean():.0f}")
        panels.append({"arm": arm, "look": looks[arm], "note": ", ".join(told), "svg": svg})
    return {
        "panels": panels,
        "more": len(runs_of) - len(drawn),
        "reference": references > 0,
        "later": " and ".join(name for name in limits if name in PERCENT),
        "stopped": any(len(stops) for stops in stops_of.values()),
    }


def summarise(histories: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean, low and high of losses and watched figures over runs, by epoch, for as long as half of the runs go on.

    Shares are in per cent.

    histories: each by epoch, with columns loss/train, accuracy/val, …; empty ones are none.
    """
    figures = {f"{name}/{part}": scale for name, scale in SCALES.items() for part in ("train", "val")}
    kept = [history.reindex(columns=list(figures)) for history in histories if len(history)]
    if not kept:
        return pd.DataFrame()
    rows = pd.concat(kept).replace([np.inf, -np.inf], np.nan) * pd.Series(figures)
    epochs = going_on(rows, len(kept))
    stats = {"mean": epochs.mean(), "low": epochs.min(), "high": epochs.max()}
    summary = pd.concat([stat.add_suffix(f" {name}") for name, stat in stats.items()], axis=1)
    summary = summary.dropna(axis=1, how="all")
    step = max(-(-len(summary) // POINTS), 1)
    return summary.iloc[sorted({*range(0, len(summary), step), len(summary) - 1})]


def going_on(rows: pd.DataFrame, runs: int) -> Any:
    """Rows of several runs grouped by epoch, for as long as half of the runs go on: later means are of other runs."""
    return rows[rows.groupby(level=0)[rows.columns[0]].transform("size") * 2 >= runs].groupby(level=0)


def _limits(summaries: Sequence[pd.DataFrame], stops: Sequence[float]) -> dict[str, Limits]:
    """The axes that all panels share. A share's begins with the least mean after a quarter of the epochs."""
    last = max([2, *stops, *(summary.index[-1] for summary in summaries)])
    limits = {"epoch": Limits(1, last)}
    for name in SCALES:
        values = _values(f"{name}/.* mean", summaries)
        if not len(values):
            continue
        if name in PERCENT:
            later = _values(f"{name}/.* mean", [each[each.index >= each.index[-1] / 4] for each in summaries])
            room = padded([*later, max(_values(f"{name}/.* high", summaries))])
            limits[name] = Limits(room.low, min(room.high, 100.5))
        else:
            log = 0 < 10 * values.min() <= values.max()
            limits[name] = Limits(values.min() / 1.15, values.max() * 1.15, True) if log else padded(values)
    return limits


def _values(columns: str, summaries: Sequence[pd.DataFrame]) -> np.ndarray:
    """Every finite value in the columns that match."""
    found = [summary.filter(regex=f"^{columns}$").to_numpy().ravel() for summary in summaries]
    values = np.concatenate([np.empty(0), *found])
    return values[np.isfinite(values)]
