"""The report's plots: tables in, SVG out. What they show, and how to read them, is said in the report's template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ablate.report.looks import Look
from ablate.report.matplotlib import Axes, Figure
from ablate.report.svg import COLOURS, axes, drawn, scale, sheet, shortened, stands_alone, ticks
from ablate.report.units import Unit, spoken
from ablate.utils.text import count

PARTS = {"train": (0, (1, 1.6)), "val": "solid", "test": (0, (4, 1.6))}  # how the line of a part is dashed
PANEL = 300  # width of a small multiple
LEGEND = 12  # arms named in a plot of all runs, where no page does
PANELS = 24  # small multiples of a section: the first arms of the table


@dataclass(frozen=True)
class Limits:
    """Of an axis."""

    low: float
    high: float
    log: bool = False


def padded(values: ArrayLike) -> Limits:
    """An axis with room for these values, of which some may be NaN or infinite, and a little more."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    low, high = float(found.min()), float(found.max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Limits(low - margin, high + margin)


@drawn
def forest(
    arms: pd.DataFrame,
    looks: dict[str, Look],
    texts: Sequence[str],
    axis: tuple[str, str, str],
    limits: Limits,
    narrow: bool = False,
) -> tuple[Figure, str]:
    """Differences from a baseline with their intervals, and what could have been detected.

    arms: a row an arm, from the top, with arm, difference, difference_low, difference_high and detectable, in the
    unit shown; texts: the figures of each row in words; axis: what a difference is to the left, in what it is
    measured, and what it is to the right; narrow: for a phone, where names stand above the intervals.
    """
    names = [shortened(arm, 34 if narrow else 32) for arm in arms["arm"]]
    row, width, left, right = (46, 340, 12, 12) if narrow else (30, 880, 30 + 7 * max(map(len, names)), 180)
    height = row * len(arms) + 12
    figure = sheet(width, height + 44)
    plot = axes(figure, left, 4, width - left - right, height)
    scale(plot, "x", limits.low, limits.high, most=5 if narrow else 8)
    scale(plot, "y", len(arms) - 0.4 + 0.1 * narrow, -0.6 - 0.1 * narrow)
    ticks(plot, "y", [])
    plot.grid(axis="x", visible=True)
    plot.axvline(0, color=COLOURS["muted"], linewidth=1, zorder=1.5)
    at: dict[str, Any] = {"xycoords": plot.get_yaxis_transform(), "textcoords": "offset points"}
    at |= {"va": "center", "fontsize": 12}
    for y, (arm, name, text) in enumerate(zip(arms.to_dict("records"), names, texts, strict=True)):
        _interval(plot, arm, y + 0.14 * narrow, looks[arm["arm"]], limits)
        plot.annotate(name, (0, y - 0.3 * narrow), (0 if narrow else -left, 0), **at)
        plot.annotate(
            text, (1, y - 0.3 * narrow), (0 if narrow else right, 0), ha="right", color=COLOURS["muted"], **at
        )
    for x, side, words in zip((0, 0.5, 1), ("left", "center", "right"), axis, strict=True):
        plot.text(x, -28 / height, words, transform=plot.transAxes, ha=side, va="top", color=COLOURS["muted"])
    return figure, f"Differences from the baseline with 95 % intervals, {count(len(arms), 'arm')}"


def _interval(plot: Axes, arm: dict[Any, Any], y: float, look: Look, limits: Limits) -> None:
    """One row of a forest plot; what is beyond its limits is an arrow there."""
    low, high = limits.low, limits.high
    mean, ends, detectable = arm["difference"], (arm["difference_low"], arm["difference_high"]), arm["detectable"]
    bar = np.clip([-detectable, detectable], low, high)
    plot.plot(bar, [y, y], color=COLOURS["bar"], linewidth=13, solid_capstyle="butt", zorder=1.2)
    plot.plot(np.clip(ends, low, high), [y, y], color=look.ink, linewidth=2.2)
    for beyond, end, marker in ((np.fmin(ends[0], mean) < low, low, "<"), (np.fmax(ends[1], mean) > high, high, ">")):
        if beyond:
            plot.plot([end], [y], marker, color=look.ink, markersize=6, clip_on=False)
    if low <= mean <= high:
        plot.plot([mean], [y], look.marker, color=look.ink, markersize=8)


@drawn
def learning_curves(
    curves: pd.DataFrame,
    baseline: pd.DataFrame | None,
    look: Look,
    best: float,
    stops: Sequence[float],
    limits: dict[str, Limits],
) -> tuple[Figure, str]:
    """An arm's losses and, below, what else every epoch has: means over its runs, each in a band from least to most.

    curves, baseline: by epoch, with columns `<figure> mean`, `low` and `high`; best: epoch; stops: epochs.
    limits: of epoch, and of every figure that is shown (loss, accuracy, RMSE).
    """
    shown = [name for name in limits if curves.columns.str.startswith(f"{name}/").any()]
    figure = sheet(PANEL, 146 * len(shown) + 22)
    for place, name in enumerate(shown):
        plot = axes(figure, 44, 22 + 146 * place, PANEL - 52, 110)
        scale(plot, "x", limits["epoch"].low, limits["epoch"].high)
        scale(plot, "y", limits[name].low, limits[name].high, limits[name].log, most=5)
        _heading(plot, Unit(name).heading.strip())
        if baseline is not None and f"{name}/val mean" in baseline:
            plot.plot(baseline[f"{name}/val mean"], color=COLOURS["baseline"], linewidth=1.2)
        for part in ("train", "val"):
            if f"{name}/{part} mean" in curves:
                means, low, high = (curves[f"{name}/{part} {stat}"] for stat in ("mean", "low", "high"))
                plot.fill_between(curves.index, low, high, color=look.ink, alpha=0.2, linewidth=0)
                plot.plot(means, color=look.ink, linestyle=PARTS[part], linewidth=1.8)
        if f"{name}/val mean" in curves and best <= curves.index[-1]:
            value = np.interp(best, curves.index, curves[f"{name}/val mean"])
            inside = limits[name].low <= value <= limits[name].high
            plot.plot([best], [value], look.marker, color=look.ink, markersize=8, clip_on=not inside)
        if len(stops):
            floor = np.zeros(len(stops))
            plot.plot(stops, floor, "|", color=look.ink, markersize=14, transform=plot.get_xaxis_transform(), alpha=0.7)
        if name != shown[-1]:
            plot.tick_params(labelbottom=False)
    plot.set_xlabel("epoch")
    return figure, "Learning curves: " + " and ".join(map(spoken, shown)) + " by epoch"


@drawn
def strength_curve(
    strengths: pd.DataFrame,
    figures: dict[str, str],
    heading: str,
    reference: float,
    look: Look,
    limits: Limits,
    log: bool,
) -> tuple[Figure, str]:
    """A figure over an arm's strengths: means over the seeds, the first in a band of one SD.

    strengths: from weak to strong, with value, chosen and every figure and `<figure> sd`, in the unit shown;
    figures: columns, and the part whose line each has; reference: the baseline's first figure.
    """
    figure = sheet(PANEL, 196)
    plot = axes(figure, 44, 22, PANEL - 56, 130)
    values = strengths["value"].to_numpy()
    places = _places(values, log)
    margin = 0.06 * (places[-1] - places[0])
    scale(plot, "x", places[0] - margin, places[-1] + margin)
    few = np.unique(np.linspace(0, len(values) - 1, min(len(values), 6)).round().astype(int))
    ticks(plot, "x", places[few].tolist(), [_typed(value) for value in values[few]])
    scale(plot, "y", limits.low, limits.high)
    _heading(plot, heading)
    plot.axhline(reference, color=COLOURS["baseline"], linewidth=1.2)
    chosen = strengths["chosen"].to_numpy(dtype=bool)
    for place, (name, part) in enumerate(figures.items()):
        means, sd = strengths[name].to_numpy(), strengths[f"{name} sd"].to_numpy()
        if place == 0:
            plot.fill_between(places, means - sd, means + sd, color=look.ink, alpha=0.2, linewidth=0)
        plot.plot(places, means, color=look.ink, linestyle=PARTS[part], linewidth=1.8)
        plot.plot(places[~chosen], means[~chosen], look.marker, color=look.ink, markersize=3.5)
        plot.plot(places[chosen], means[chosen], look.marker, color=look.ink, markersize=8)
    plot.set_xlabel(str(strengths["key"].iloc[0]))
    return figure, f"{heading} over {strengths['key'].iloc[0]}"


def _places(values: np.ndarray, log: bool) -> np.ndarray:
    """Where strengths stand: on a logarithmic axis by their exponents, and 0 one step before the least."""
    if not log:
        return values
    positive = values > 0
    places = np.zeros(len(values))
    places[positive] = np.log10(values[positive])
    places[~positive] = places[positive].min() - 1
    return places


def _typed(value: float) -> str:
    """0.0001 as it is typed: 1e-4."""
    return f"{value:g}" if value == 0 or value >= 0.01 else np.format_float_scientific(value, trim="-", exp_digits=1)


@drawn
def histogram(
    edges: np.ndarray, shares: np.ndarray, baseline: np.ndarray | None, look: Look, limits: Limits
) -> tuple[Figure, str]:
    """How an arm's weights are distributed. edges: [bins + 1]; shares, baseline: [bins], in per cent."""
    figure = sheet(PANEL, 176)
    plot = axes(figure, 44, 20, PANEL - 52, 122)
    scale(plot, "x", edges[0], edges[-1])
    scale(plot, "y", limits.low, limits.high, limits.log)
    _heading(plot, "share of weights, %")
    floored = np.maximum(shares, limits.low)
    plot.stairs(floored, edges, baseline=limits.low, fill=True, color=look.ink, alpha=0.3, linewidth=0)
    plot.stairs(floored, edges, baseline=None, color=look.ink, linewidth=1.4)
    if baseline is not None:
        plot.stairs(np.maximum(baseline, limits.low), edges, baseline=None, color=COLOURS["baseline"], linewidth=1.2)
    plot.set_xlabel("weight")
    return figure, "Histogram of weights"


@drawn
def scatter(points: pd.DataFrame, looks: dict[str, Look], headings: tuple[str, str]) -> tuple[Figure, str]:
    """A point a run. points: arm, x, y and whether its strength is among those compared (else hollow)."""
    figure = sheet(400, 320)
    plot = axes(figure, 44, 22, 348, 256)
    for which, values in (("x", points["x"]), ("y", points["y"])):
        scale(plot, which, padded(values).low, padded(values).high, most=6)
    plot.grid(axis="x", visible=True)
    _heading(plot, headings[1])
    for arm, group in points.groupby("arm", sort=False):
        look, compared = looks[str(arm)], group["compared"].iloc[0]
        face = look.ink if compared else "none"
        style: dict[str, Any] = {"color": look.ink, "markerfacecolor": face, "markersize": 6, "alpha": 0.75}
        plot.plot(group["x"], group["y"], look.marker, label=shortened(str(arm), 24), linestyle="", **style)
    plot.set_xlabel(headings[0])
    if stands_alone() and len(looks) <= LEGEND:
        plot.legend(fontsize=9)
    return figure, f"{headings[1]} against {headings[0]}, {count(len(points), 'run')}"


def _heading(plot: Axes, text: str) -> None:
    """What stands on the y axis, above its upper end: it reads without turning one's head."""
    at: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    plot.annotate(text, (0, 1), (-42, 8), color=COLOURS["muted"], **at)
