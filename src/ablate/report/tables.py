"""A comparison as people read it: in words, as tables of text, in Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.comparison import Comparison
from ablate.files import count, fixed, write
from ablate.statistics import MINIMUM_SEEDS


class Unit:
    """How a metric is written: accuracies in per cent and their differences in points, losses as they are."""

    def __init__(self, metric: str) -> None:
        figure, _, part = metric.partition("/")
        percent = figure == "accuracy"
        self.scale, self.digits = (100, 2) if percent else (1, 4)
        self.name = f"{part} {figure}"
        self.heading = f"{self.name}, %" if percent else self.name
        self.of_difference = ", points" if percent else ""

    def value(self, figure: float, signed: bool = False) -> str:
        if pd.isna(figure):
            return ""
        text = fixed(figure * self.scale, self.digits, "+" if signed else "")
        return text.replace("-", "+" if signed else "") if not text.strip("+-0.") else text  # no -0.00


def main_table(comparison: Comparison) -> pd.DataFrame:
    """The table of arms, as text under headings with units."""
    arms, unit = comparison.arms, Unit(comparison.metric)
    points = unit.of_difference
    percent = Unit("accuracy/test")
    intervals = [
        ""
        if pd.isna(row["difference_low"])
        else f"{unit.value(row['difference_low'], True)} to {unit.value(row['difference_high'], True)}"
        for row in as_rows(arms)
    ]
    columns: dict[str, list[str]] = {
        "arm": list(arms["arm"]),
        "n": [str(n) for n in arms["n"]],
        **({"failed": [str(n) for n in arms["failed"]]} if arms["failed"].any() else {}),
        unit.heading: [_spread(mean, sd, unit) for mean, sd in zip(arms["mean"], arms["sd"], strict=True)],
        f"difference{points}": [unit.value(d, True) for d in arms["difference"]],
        "95 % interval": intervals,
        "p, Holm": ["" if pd.isna(p) else _p(p) for p in arms["p_holm"]],
        "verdict": list(arms["verdict"]),
        f"could detect{points}": [unit.value(d) for d in arms["detectable"]],
        "train−test gap, points": [percent.value(gap, True) for gap in arms["gap"]],
        "weights <1e-3, %": [_decimal(100 * share, 1) for share in arms["near_zeros"]],
        "epochs": [_decimal(epochs, 0) for epochs in arms["epochs"]],
    }
    return pd.DataFrame(columns)


def strengths_table(comparison: Comparison) -> pd.DataFrame:
    """The table of strengths, as text under headings with units; empty where no arm had several."""
    strengths, unit = comparison.strengths, Unit(comparison.metric)
    if strengths.empty:
        return strengths
    loss, percent = Unit("loss/val"), Unit("accuracy/test")

    def spread(figure: str, unit: Unit) -> list[str]:
        return [_spread(m, sd, unit) for m, sd in zip(strengths[figure], strengths[f"{figure} sd"], strict=True)]

    return pd.DataFrame(
        {
            "arm": list(strengths["arm"]),
            "chosen": ["chosen" if chosen else "" for chosen in strengths["chosen"]],
            "n": [str(n) for n in strengths["n"]],
            **({"failed": [str(n) for n in strengths["failed"]]} if strengths["failed"].any() else {}),
            "validation loss": spread("loss/val", loss),
            unit.heading: spread(comparison.metric, unit),
            "train−test gap, points": [percent.value(gap, True) for gap in strengths["gap"]],
            "weights <1e-3, %": [_decimal(100 * share, 1) for share in strengths["near_zeros"]],
        }
    )


def sentences(comparison: Comparison) -> list[str]:
    """The verdict, in words: a sentence for what is better, worse, and not detected."""
    arms, unit = comparison.arms, Unit(comparison.metric)
    said = []
    for baseline, group in arms.groupby("baseline", sort=False):
        others = group[group["arm"] != baseline]
        for verdict in ("better", "worse"):
            for row in as_rows(others[others["verdict"] == verdict]):
                keys = ("difference", "difference_low", "difference_high")
                difference, low, high = (unit.value(row[key], True) for key in keys)
                said.append(
                    f"{row['arm']} is {verdict} than {baseline}: {difference}{_points(unit)} of {unit.name} "
                    f"(95 % interval {low} to {high}, p {_p(row['p_holm'])} after Holm's correction, "
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
        chosen = ", ".join(f"{row['arm']} of {row['chosen_from']}" for row in as_rows(several))
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
    for row in as_rows(uneven):
        lines.append(f"{row['arm']}: {row['pairs']} of its {row['n']} seeds are shared with {row['baseline']}")
    if repeats := int(runs.duplicated(["arm", "seed"]).sum()):
        lines.append(
            f"{count(repeats, 'result')} of an arm and seed that is there already; the last finished one counts"
        )
    if comparison.unfinished:
        lines.append(f"{count(comparison.unfinished, 'run')} of this sweep not done yet")
    if comparison.others:
        lines.append(f"{count(comparison.others, 'result')} of other settings in the folder, left out here")
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


def save(comparison: Comparison, folder: Path) -> None:
    """Write runs.csv, comparison.csv, .md and .tex, strengths.csv where arms had several, and report.html.

    Where the runs are in TensorBoard, the comparison is too.
    """
    from ablate import overview, report  # import matplotlib: not for those who only want a table

    write(folder / "runs.csv", comparison.runs.drop(columns=["data", "overlap"]).to_csv(index=False))
    write(folder / "comparison.csv", comparison.arms.to_csv(index=False))
    write(folder / "comparison.md", markdown(comparison))
    write(folder / "comparison.tex", latex(comparison))
    if comparison.strengths.empty:
        (folder / "strengths.csv").unlink(missing_ok=True)
    else:
        write(folder / "strengths.csv", comparison.strengths.to_csv(index=False))
    report.write(comparison, folder)
    overview.write(comparison, folder)


def markdown(comparison: Comparison) -> str:
    parts = [title(comparison), *sentences(comparison), _markdown(main_table(comparison))]
    if not comparison.strengths.empty:
        parts += [EXPLORATORY, _markdown(strengths_table(comparison))]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes(comparison) + failures(comparison))]) + "\n"


def _markdown(frame: pd.DataFrame) -> str:
    lines = [list(frame.columns), ["---", *["---:"] * (len(frame.columns) - 1)], *as_lists(frame)]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def latex(comparison: Comparison) -> str:
    """The main table as a LaTeX table; it wants the package booktabs."""
    table = main_table(comparison).map(_tex).rename(columns=_tex)
    said = " ".join(_tex(line) for line in sentences(comparison))
    return table.to_latex(index=False, column_format="l" + "r" * (len(table.columns) - 1), caption=said)


def _tex(text: str) -> str:
    marks = {"\\": "\\textbackslash{}", "~": "\\~{}", "^": "\\^{}", "<": "$<$", "−": "$-$", "±": "$\\pm$"}
    return "".join(marks.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)


def as_lists(frame: pd.DataFrame) -> list[list[str]]:
    """The cells of a table of text, row by row."""
    return frame.to_numpy().tolist()


def as_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # type: ignore[return-value]


def _points(unit: Unit) -> str:
    return unit.of_difference.replace(",", "")


def _spread(mean: float, sd: float, unit: Unit) -> str:
    return unit.value(mean) + ("" if pd.isna(sd) else f" ± {unit.value(sd)}")


def _decimal(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"


def listed(names: Iterable[str]) -> str:
    names = list(dict.fromkeys(names))
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
