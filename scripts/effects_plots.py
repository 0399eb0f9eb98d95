"""The plots of scripts/effects.py: tables in, matplotlib figures out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

NAMES = {"none": "none", "l2": "L2", "l1": "L1", "l1_proximal": "proximal L1"}
INK = {"none": "#777777", "l2": "#0072b2", "l1": "#d55e00", "l1_proximal": "#009e73"}  # tell apart for most eyes
TRAIN, VAL, TEST = "#d55e00", "#0072b2", "#222222"

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e5e5",
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def histograms(weights: Mapping[str, np.ndarray], wide: float = 0.4, zoom: float = 0.003) -> Figure:
    """Shares of weights, above over a wide range, below near 0, where those that are exactly 0 have a bar.

    weights: [weights] of every kind of regularizer.
    """
    figure = Figure(figsize=(10, 4.6))
    grid = figure.subplots(2, len(weights), sharey="row")
    for (kind, values), above, below in zip(weights.items(), *grid, strict=True):
        _shares(above, values, np.linspace(-wide, wide, 82), INK[kind])
        above.set_title(NAMES[kind])
        rest = values[values != 0]
        _shares(below, rest, np.linspace(-zoom, zoom, 62), INK[kind], of=len(values))
        zeros = (values == 0).mean()
        if zeros:
            below.bar([0], [100 * zeros], width=zoom / 20, color="black")
        below.set_title(f"exactly 0: {100 * zeros:.1f} %", color="black")
        below.set_xticks([-zoom, 0, zoom])
    for axes, what in zip(grid[:, 0], ("share in a bin, %", "share in a bin, %\nnear zero"), strict=True):
        axes.set_ylabel(what)
        axes.set_yscale("log")
        axes.set_ylim(0.01, 100)
    figure.supxlabel("weight", fontsize=10)
    return figure


def _shares(axes: Axes, values: np.ndarray, edges: np.ndarray, ink: str, of: int | None = None) -> None:
    counts, _ = np.histogram(values, edges)
    axes.stairs(100 * counts / (of or len(values)), edges, fill=True, color=ink, alpha=0.8)


def sparsity(curves: Mapping[str, pd.DataFrame], baseline: pd.DataFrame) -> Figure:
    """Left: shares of weights over λ. Right: what that costs in accuracy.

    curves: a row a strength, of `Comparison.strengths`; baseline: runs without regularizer.
    """
    figure = Figure(figsize=(10, 3.8))
    left, right = figure.subplots(1, 2)
    for kind, curve in curves.items():
        left.plot(curve["value"], 100 * curve["near_zeros"], "o--", color=INK[kind], markersize=4, linewidth=1.2)
        left.plot(curve["value"], 100 * curve["zeros"], "s-", color=INK[kind], markersize=4, label=NAMES[kind])
        right.errorbar(
            100 * curve["near_zeros"],
            100 * curve["accuracy/test"],
            100 * curve["accuracy/test sd"],
            fmt="o-",
            color=INK[kind],
            markersize=4,
            capsize=2,
            label=NAMES[kind],
        )
    left.set_xscale("log")
    left.set_xlabel("λ")
    left.set_ylabel("share of weights, %")
    left.set_title("exactly 0 (solid), below 0.001 (dashed)")
    left.legend()
    mean, sd = 100 * baseline["accuracy/test"].mean(), 100 * baseline["accuracy/test"].std(ddof=1)
    right.axhspan(mean - sd, mean + sd, color=INK["none"], alpha=0.2, linewidth=0)
    right.axhline(mean, color=INK["none"], linewidth=1.2, label="none")
    right.set_xlabel("share of weights below 0.001, %")
    right.set_ylabel("test accuracy, %")
    right.set_title("mean and SD over the seeds, a point a λ")
    right.legend(loc="lower center")
    return figure


def over_dropout(runs: pd.DataFrame) -> Figure:
    """Losses, the gap between them, and accuracies over p: means, and bands of one SD.

    runs: a row a run, with dropout and `points`, training less validation accuracy.
    """
    figure = Figure(figsize=(10, 3.6))
    losses, gap, accuracies = figure.subplots(1, 3)
    _band(losses, runs, "loss/train", 1, TRAIN, "training")
    _band(losses, runs, "loss/val", 1, VAL, "validation")
    _band(gap, runs, "points", 1, VAL, "")
    _band(accuracies, runs, "accuracy/val", 100, VAL, "validation")
    _band(accuracies, runs, "accuracy/test", 100, TEST, "test")
    losses.set_title("loss")
    gap.set_title("gap: training − validation accuracy, points")
    accuracies.set_title("accuracy, %")
    for axes in (losses, gap):
        axes.set_ylim(bottom=0)
    for axes in (losses, accuracies):
        axes.legend()
    for axes in (losses, gap, accuracies):
        axes.set_xlabel("dropout p")
        axes.set_xticks(np.arange(0, 1, 0.2))
    return figure


def _band(axes: Axes, runs: pd.DataFrame, name: str, scale: float, ink: str, label: str) -> None:
    by_p = scale * runs.groupby("dropout")[name].agg(["mean", "std"])
    axes.fill_between(by_p.index, by_p["mean"] - by_p["std"], by_p["mean"] + by_p["std"], color=ink, alpha=0.2)
    axes.plot(by_p["mean"], "o-", color=ink, markersize=4, label=label)


def stopping(whole: Mapping[Any, pd.DataFrame], stopped: pd.DataFrame) -> Figure:
    """Left: losses of runs that were never stopped. Right: where stopping stops them, and which epoch it keeps.

    whole: histories by seed; stopped: runs by seed, with best_epoch and epochs.
    """
    figure = Figure(figsize=(10, 4))
    left, right = figure.subplots(1, 2)
    for name, label, ink in (("loss/train", "training", TRAIN), ("loss/val", "validation", VAL)):
        curves = pd.DataFrame({seed: curve[name] for seed, curve in whole.items()})
        left.fill_between(curves.index, curves.min(axis=1), curves.max(axis=1), color=ink, alpha=0.2, linewidth=0)
        left.plot(curves.mean(axis=1), color=ink, label=label)
    left.axhline(np.log(2), color="black", linewidth=0.8, linestyle=":", label="ln 2: always saying ½")
    left.set_title(f"loss without stopping: mean, least and most of {len(whole)} seeds")
    left.legend()
    for seed, run in stopped.iterrows():
        curve = whole[seed]["loss/val"]
        best, end = int(run["best_epoch"]), int(run["epochs"])
        right.plot(curve.loc[:end], color=VAL, linewidth=1.2, alpha=0.8)
        right.plot(curve.loc[end:], color=VAL, linewidth=0.7, alpha=0.25)
        right.plot([best], [curve[best]], "o", color="black", markersize=5, zorder=3)
        right.plot([end], [curve[end]], "|", color=TRAIN, markersize=12, markeredgewidth=2, zorder=3)
    right.set_title("validation loss: ● best epoch, | stopped, pale: not trained")
    right.set_xscale("log")
    right.set_xticks(epochs := [1, 3, 10, 30, 100], [str(epoch) for epoch in epochs])
    for axes in (left, right):
        axes.set_xlabel("epoch")
    return figure


def differences(studies: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel a study: the arms' differences from their baseline in test accuracy, with 95 % intervals.

    studies: `Comparison.arms` by title.
    """
    figure = Figure(figsize=(10, 3))
    colours = {"better": "#009e73", "worse": "#d55e00"}
    for axes, (title, arms) in zip(figure.subplots(1, len(studies), sharex=True), studies.items(), strict=True):
        compared = arms[arms["arm"] != arms["baseline"]].iloc[::-1]
        for y, arm in enumerate(compared.to_dict("records")):
            ink = colours.get(arm["verdict"], "#777777")
            ends = [100 * arm["difference_low"], 100 * arm["difference_high"]]
            axes.plot(ends, [y, y], color=ink, linewidth=2.5)
            axes.plot([100 * arm["difference"]], [y], "o", color=ink, markersize=7)
            axes.annotate(arm["verdict"], (ends[1], y), (5, 0), textcoords="offset points", va="center", color=ink)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(range(len(compared)), compared["arm"])
        axes.set_ylim(-0.6, len(compared) - 0.4)
        axes.margins(x=0.25)
        axes.set_title(title)
        axes.set_xlabel("difference in test accuracy, points")
    return figure
