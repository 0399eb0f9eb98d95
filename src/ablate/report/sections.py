"""The drawn sections of the report but for learning curves: what of a comparison each shows, and within which axes.

A section that has nothing to show is empty. What is drawn is bounded, so that a thousand runs make a page too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.runs import finished
from ablate.records import results
from ablate.report import plots
from ablate.report.looks import Look
from ablate.report.plots import PANELS, Limits, padded
from ablate.report.text import also_differs, rows_of
from ablate.report.units import Unit, gap_heading, spoken, unit_of, watched

ROWS = 100  # arms of a forest plot
MARKS = 2000  # runs of a scatter plot
POOLED = 10  # runs of an arm whose weights are read,
READ = 2**26  # until these were so many bytes
SAMPLED = 100_000  # weights of a run
BINS = 61  # odd: the middle one is around zero

LINEAR = ("dropout", "input_dropout", "patience")  # strengths that are no λ

Looks = dict[str, Look]


def forests(comparison: Comparison, looks: Looks, wide: bool = True) -> list[dict[str, Any]]:
    """A narrow forest plot for every baseline that something is compared with, and a wide one."""
    return [forest for part in comparison.parts for forest in _forests(part, looks, wide)]


def _forests(comparison: Comparison, looks: Looks, wide: bool) -> list[dict[str, Any]]:
    """Those of one metric."""
    unit, found = unit_of(comparison), []
    better, worse = ("better →", "← worse") if comparison.higher_is_better else ("← better", "worse →")
    measured = unit.of_difference.strip(", ") or unit.name
    axis = (worse, measured, better) if comparison.higher_is_better else (better, measured, worse)
    figures = ["difference", "difference_low", "difference_high", "detectable"]
    for baseline, group in comparison.arms.groupby("baseline", sort=False):
        arms = group[group["difference"].notna()]
        arms = arms.sort_values("difference", ascending=not comparison.higher_is_better, kind="stable")[:ROWS]
        if arms.empty:
            continue
        texts = [_difference(unit, *row) for row in arms[figures[:3]].to_numpy()]
        shown = arms.assign(**{figure: arms[figure] * unit.scale for figure in figures})
        limits, cut = _reach(shown[figures])
        narrow = plots.forest(shown, looks, [text.split(" ")[0] for text in texts], axis, limits, narrow=True)
        across = plots.forest(shown, looks, texts, axis, limits) if wide else None
        found.append(
            {
                "baseline": baseline,
                "metric": unit.name,
                "wide": across,
                "narrow": narrow,
                "cut": cut,
                "bars": bool(arms["detectable"].notna().any()),
                "also": [row["arm"] + also_differs(row) for row in rows_of(arms) if row["also_differs_in"]],
            }
        )
    return found


def _difference(unit: Unit, difference: float, low: float, high: float) -> str:
    interval = "" if pd.isna(low) else f" ({unit.value(low, True)} to {unit.value(high, True)})"
    return f"{unit.value(difference, True)}{interval}".replace("-", "−")


def _reach(ends: pd.DataFrame) -> tuple[Limits, bool]:
    """The axis of a forest plot, and whether it cuts off what is so far out that it would squeeze all others."""
    ends = ends.assign(mirrored=-ends["detectable"])
    inside = ends.abs() <= 8 * ends.abs().max(axis=1).quantile(0.25)
    return padded([*ends.where(inside).to_numpy().ravel(), 0.0]), bool((ends.notna() & ~inside).any(axis=None))


def strengths(comparison: Comparison, looks: Looks) -> list[dict[str, Any]]:
    """For every arm with several strengths of one kind: how the metric, gap and near-zero weights change with it."""
    return [arm for part in comparison.parts for arm in _strengths(part, looks)]


def _strengths(comparison: Comparison, looks: Looks) -> list[dict[str, Any]]:
    """Those of one metric."""
    table, unit = comparison.strengths, unit_of(comparison)
    if table.empty:
        return []
    validation = comparison.metric.replace("/test", "/val")
    figure = watched(comparison)
    scales = {comparison.metric: unit.scale, validation: unit.scale, "near_zeros": 100}
    parts = {comparison.metric: "test", **({validation: "val"} if validation in table else {})}
    headings = {unit.heading.removeprefix("test "): parts}
    if figure is not None:
        scales["gap"] = unit_of(comparison, f"{figure}/test").scale
        headings[gap_heading(figure)] = {"gap": "test"}
    headings["weights <1e-3, %"] = {"near_zeros": "test"}
    chosen = table[table["chosen"]].set_index("study_arm")["arm"]
    arms = comparison.arms.set_index("arm")
    table = table[table["key"].notna() & table["n"].gt(0)].astype({"value": float})
    for each, times in scales.items():
        if each in table:
            table = table.assign(**{column: table[column] * times for column in (each, f"{each} sd")})
    drawn = []
    for name, group in table.groupby("study_arm", sort=False):
        log = group["key"].iloc[0] not in LINEAR
        if len(group) < 2 or (log and group["value"].max() <= 0):
            continue
        look, baseline = looks[chosen[name]], arms.loc[arms.loc[chosen[name], "baseline"]]
        svgs = []
        for heading, parts in headings.items():
            figure = next(iter(parts))
            level = float(baseline[figure] * scales[figure])
            if group[figure].notna().any():
                limits = padded(_seen(table, parts, level))
                svgs.append(plots.strength_curve(group, parts, heading, level, look, limits, log))
        drawn.append({"arm": name, "look": look, "svgs": svgs})
    return drawn


def _seen(table: pd.DataFrame, parts: dict[str, str], level: float) -> list[float]:
    """Whatever a panel has to have room for: means, the first one's band, the baseline."""
    first = next(iter(parts))
    sd = table[f"{first} sd"].fillna(0)
    return [*table[list(parts)].to_numpy().ravel(), *(table[first] - sd), *(table[first] + sd), level]


def scatters(comparison: Comparison, looks: Looks) -> list[dict[str, Any]]:
    """For every metric, every finished run: its near-zero weights, and the metric."""
    return [scatter for part in comparison.parts if (scatter := _scatter(part, looks)) is not None]


def _scatter(comparison: Comparison, looks: Looks) -> dict[str, Any] | None:
    unit, runs = unit_of(comparison), finished(comparison.runs)
    points = pd.DataFrame({"x": 100 * runs["near_zeros"], "y": unit.scale * runs[comparison.metric]})
    points = points.replace([np.inf, -np.inf], np.nan).assign(arm=runs["arm"]).dropna()
    if len(points) < 2:
        return None
    compared = points["arm"].isin(comparison.arms["arm"])
    drawn = points.assign(compared=compared)
    drawn = drawn.sample(MARKS, random_state=0) if len(drawn) > MARKS else drawn
    legend = {looks[arm]: arm for arm in reversed(list(comparison.arms["arm"])) if arm in set(points["arm"])}
    return {
        "metric": unit.name,
        "tag": f"{spoken(comparison.metric)} and sparsity of every run",
        "better": comparison.higher_is_better,
        "svg": plots.scatter(drawn, looks, ("weights <1e-3, %", unit.heading)),
        "legend": [{"look": look, "name": arm} for look, arm in reversed(legend.items())],
        "hollow": not compared.all(),
        "left_out": len(points) - len(drawn),
    }


def weights(comparison: Comparison, looks: Looks) -> dict[str, Any]:
    """Histograms of the kernels' weights of the table's arms, pooled over their runs."""
    counted = finished(comparison.runs)
    folders = {arm: counted.loc[counted["arm"] == arm, "folder"].tolist() for arm in comparison.arms["arm"]}
    drawn = [arm for arm in folders if folders[arm]]
    pooled = {arm: values for arm in drawn[:PANELS] if len(values := _pooled(folders[arm]))}
    if not pooled:
        return {"panels": []}
    reach = max(float(np.quantile(abs(values), 0.999)) for values in pooled.values()) or 1.0
    edges = np.linspace(-reach, reach, BINS + 1)
    shares = {arm: 100 * np.histogram(values, edges)[0] / len(values) for arm, values in pooled.items()}
    seen = np.concatenate(list(shares.values()))
    floor = 10.0 ** np.floor(np.log10(seen[seen > 0].min()))
    limits = Limits(max(floor, 1e-3), 1.6 * seen.max(), log=True)
    panels, references = [], 0
    for arm, baseline in zip(comparison.arms["arm"], comparison.arms["baseline"], strict=True):
        if arm in shares:
            reference = shares.get(baseline) if baseline != arm else None
            references += reference is not None
            svg = plots.histogram(edges, shares[arm], reference, looks[arm], limits)
            panels.append({"arm": arm, "look": looks[arm], "note": "", "svg": svg})
    return {
        "panels": panels,
        "more": len(drawn) - len(drawn[:PANELS]),
        "reference": references > 0,
        "all": max(len(of_arm) for of_arm in folders.values()) <= POOLED,
        "pooled": POOLED,
    }


def _pooled(folders: Sequence[str]) -> np.ndarray:
    """Weights of these runs' kernels; of large ones, samples."""
    random, read, found = np.random.default_rng(0), 0, [np.empty(0, np.float32)]
    for folder in folders[:POOLED]:
        values = np.concatenate([found[0], *results.kernels(Path(folder)).values()])
        read += values.nbytes
        found.append(values if len(values) <= SAMPLED else random.choice(values, SAMPLED))
        if read > READ:
            break
    return np.concatenate(found)
