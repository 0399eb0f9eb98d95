"""A comparison in words: the verdicts, what a reader has to know, what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.statistics import MINIMUM_SEEDS
from ablate.report.units import Unit, p_value
from ablate.utils.text import count, listed


def sentences(comparison: Comparison) -> list[str]:
    """The verdict, in words: a sentence for what is better, worse, and not detected."""
    arms, unit = comparison.arms, Unit(comparison.metric)
    said = []
    for baseline, group in arms.groupby("baseline", sort=False):
        others = group[group["arm"] != baseline]
        for verdict in ("better", "worse"):
            for row in rows_of(others[others["verdict"] == verdict]):
                keys = ("difference", "difference_low", "difference_high")
                difference, low, high = (unit.value(row[key], True) for key in keys)
                said.append(
                    f"{row['arm']} is {verdict} than {baseline}: {difference}{_points(unit)} of {unit.name} "
                    f"(95 % interval {low} to {high}, p {p_value(row['p_holm'])} after Holm's correction, "
                    f"{row['pairs']} seeds)."
                )
        equal = (others["difference"] == 0) & (others["detectable"] == 0)
        if equal.any():
            said.append(f"In every seed, {listed(others[equal]['arm'])} gave the figure that {baseline} gave.")
        silent = others[(others["verdict"] == "not detected") & ~equal]
        if len(silent):
            least, most = silent["detectable"].min(), silent["detectable"].max()
            span = unit.value(least) + (f" to {unit.value(most)}" if unit.value(least) != unit.value(most) else "")
            said.append(
                f"No difference from {baseline} was detected for {listed(silent['arm'])}; this study would "
                f"probably (80 %) have found one of {span}{_points(unit)}."
            )
        few = others[(others["verdict"] == "too few seeds") & ~equal]
        if len(few):
            seeds = " or ".join(map(str, sorted(few["pairs"].unique())))
            said.append(
                f"Too few seeds for a verdict on {listed(few['arm'])}: {seeds} shared with {baseline}, "
                f"{MINIMUM_SEEDS} are needed."
            )
        if others.empty:
            said.append(f"There is nothing to compare {baseline} with.")
    return said


def notes(comparison: Comparison) -> list[str]:
    """What a reader has to know to read the tables."""
    runs, arms = comparison.runs, comparison.arms
    lines = [
        f"± is the standard deviation over the seeds; differences are from {listed(arms['baseline'].unique())}, "
        "seed by seed",
        *comparison.remarks,
    ]
    several = arms[arms["chosen_from"] > 1]
    if len(several):
        chosen = ", ".join(f"{row['arm']} of {row['chosen_from']}" for row in rows_of(several))
        lines.append(f"chosen by validation loss{' so far' * bool(comparison.unfinished)}: {chosen}")
    if (runs["overlap"] > 0).any():
        lines.append("splits differ from seed to seed and share samples: intervals and p are widened for it")
    sweep = comparison.sweep
    if sweep and (looks := [str(n) for n in sweep.looks if n >= MINIMUM_SEEDS]):
        now = len({run.seed for run in sweep.runs})
        lines.append(
            f"seeds were added after a look ({', '.join(looks)}, then {now}): "
            "that finds differences too easily, see docs/statistics.md"
        )
    uneven = arms[(arms["arm"] != arms["baseline"]) & (arms["pairs"] < arms["n"])]
    for row in rows_of(uneven):
        lines.append(f"{row['arm']}: {row['pairs']} of its {row['n']} seeds are shared with {row['baseline']}")
    if repeats := int(runs.duplicated(["arm", "seed"]).sum()):
        lines.append(
            f"{count(repeats, 'result')} of an arm and seed that is there already; the last finished one counts"
        )
    if comparison.unfinished:
        lines.append(f"{count(comparison.unfinished, 'run')} of this sweep not done yet")
    if comparison.others:
        lines.append(f"{count(comparison.others, 'result')} of other settings or code in the folder, left out here")
    return lines


def failures(comparison: Comparison) -> list[str]:
    """Every run that gave no figures, and why; runs of an arm with the same reason together."""
    runs = comparison.runs
    reasons = runs[runs["status"] != "finished"].groupby(["arm", "status", "error"], sort=False, dropna=False)
    lines = []
    for (arm, status, error), same in reasons:
        seeds = sorted(same["seed"].unique())
        lines.append(f"{arm} seed{'s' * (len(seeds) > 1)} {_spans(seeds)}: {status}: {error}")
    return lines


def _spans(numbers: Sequence[int]) -> str:
    """`0 to 3, 7` for 0, 1, 2, 3, 7."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)


def title(comparison: Comparison) -> str:
    return f"{count(len(comparison.runs), 'run')} on {', '.join(dict.fromkeys(comparison.runs['dataset']))}"


EXPLORATORY = "Strengths (exploratory: one of each was chosen by validation loss, and nothing is tested here)"


def _points(unit: Unit) -> str:
    return unit.of_difference.replace(",", "")


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # type: ignore[return-value]
