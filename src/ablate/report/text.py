"""A comparison in words: the verdicts, what a reader has to know, what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.statistics import MINIMUM_SEEDS
from ablate.report.scope import scope
from ablate.report.trivial import constants, unbeaten
from ablate.report.units import Unit, p_value, unit_of
from ablate.utils.text import count, listed


def sentences(comparison: Comparison) -> list[str]:
    """Whether nothing was learnt, the verdicts in words, and how far they reach."""
    return unbeaten(comparison) + verdicts(comparison) + scope(comparison)


def verdicts(comparison: Comparison) -> list[str]:
    """A sentence for what is better, worse, and not detected, and for arms of which nothing can be said."""
    return [sentence for part in comparison.parts for sentence in _verdicts(part)]


def _verdicts(comparison: Comparison) -> list[str]:
    """Those of one metric."""
    said, unit = [], unit_of(comparison)
    for baseline, group in comparison.arms.groupby("baseline", sort=False):
        others = group[group["arm"] != baseline]
        for verdict in ("better", "worse"):
            said += [_found(row, unit) for row in rows_of(others[others["verdict"] == verdict])]
        equal = (others["difference"] == 0) & (others["difference_sd"] == 0)
        for names, _ in _named(others[equal]):
            said.append(f"In every seed, {names} gave the figure that {baseline} gave.")
        for names, silent in _named(others[(others["verdict"] == "not detected") & ~equal]):
            said.append(f"No difference from {baseline} was detected for {names}{_detectable(silent, comparison)}.")
        for names, few in _named(others[(others["verdict"] == "too few seeds") & ~equal]):
            seeds = " or ".join(map(str, sorted(few["pairs"].unique())))
            said.append(
                f"Too few seeds for a verdict on {names}: {seeds} shared with {baseline}, {MINIMUM_SEEDS} are needed."
            )
        if others.empty:
            said.append(f"There is nothing to compare {baseline} with.")
    return said


def _found(row: dict[str, Any], unit: Unit) -> str:
    """A verdict with its figures. Of differences that are all equal there is no interval, and p is of sign flips."""
    difference, low, high = (unit.value(row[f"difference{end}"], True) for end in ("", "_low", "_high"))
    points = _points(unit)
    sure = (
        f"95 % interval {low} to {high}, p" if low else "the same in every seed, so without an interval; sign flips: p"
    )
    measured = f"{difference}{f'{points} of' if points else ' in'} {unit.name}"
    return (
        f"{row['arm']} is {row['verdict']} than {row['baseline']}{also_differs(row)}: {measured} ({sure} "
        f"{p_value(row['p_holm'])} after Holm's correction, {row['pairs']} seeds)."
    )


def also_differs(row: dict[str, Any], several: bool = False) -> str:
    """In what an arm, or several alike, is not like its baseline beside regularization, as a clause."""
    if not row["also_differs_in"]:
        return ""
    also = "" if row["regularized_alike"] else "also "
    return f" ({also}differ{'s' * (not several)} in {listed(row['also_differs_in'].split(', '))})"


def _named(arms: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The names of arms, those together that differ from their baseline in the same keys, with what these are."""
    for _, alike in arms.groupby(["also_differs_in", "regularized_alike"], sort=False):
        yield listed(alike["arm"]) + also_differs(rows_of(alike)[0], len(alike) > 1), alike


def _detectable(silent: pd.DataFrame, comparison: Comparison) -> str:
    """What else would have been found of arms of which nothing was; of those without spread it can't be said."""
    unit, found = unit_of(comparison), silent["detectable"].dropna()
    if found.empty:
        return "; what could have been can't be said of a difference that is the same in every seed"
    least, most = unit.value(found.min()), unit.value(found.max())
    span = least + (f" to {most}" if least != most else "")
    return f"; this study would probably (80 %) have found one of {span}{_points(unit)}"


def notes(comparison: Comparison) -> list[str]:
    """What a reader has to know to read the tables."""
    runs, arms = comparison.runs, comparison.arms
    lines = [
        f"± is the standard deviation over the seeds; differences are from {listed(arms['baseline'].unique())}, "
        "seed by seed",
        *constants(comparison),
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
