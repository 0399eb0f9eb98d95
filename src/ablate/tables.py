"""A comparison as people read it: in words, and as tables for the terminal, Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import Box
from rich.table import Table

from ablate import studies
from ablate.comparison import Comparison, compare_folders
from ablate.console import Console, complain
from ablate.errors import ConfigError
from ablate.files import count, fixed, how_to_watch, short, write
from ablate.statistics import MINIMUM_SEEDS

DISPENSABLE = ("epochs", "weights", "train", "could detect", "p, Holm", "95 % interval")  # in this order
STACKED = 4  # so many of them are left out too where not even a table without all of them has room
ARM = 24  # characters of an arm's name that other columns don't take away


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
        for row in _rows(arms)
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
            for row in _rows(others[others["verdict"] == verdict]):
                keys = ("difference", "difference_low", "difference_high")
                difference, low, high = (unit.value(row[key], True) for key in keys)
                said.append(
                    f"{row['arm']} is {verdict} than {baseline}: {difference}{_points(unit)} of {unit.name} "
                    f"(95 % interval {low} to {high}, p {_p(row['p_holm'])} after Holm's correction, "
                    f"{row['pairs']} seeds)."
                )
        equal = (others["difference"] == 0) & (others["detectable"] == 0)
        if equal.any():
            said.append(f"In every seed, {_listed(others[equal]['arm'])} gave the figure that {baseline} gave.")
        silent = others[(others["verdict"] == "not detected") & ~equal]
        if len(silent):
            least, most = silent["detectable"].min(), silent["detectable"].max()
            span = unit.value(least) + (f" to {unit.value(most)}" if unit.value(least) != unit.value(most) else "")
            said.append(
                f"No difference from {baseline} was detected for {_listed(silent['arm'])}; this study would "
                f"probably (80 %) have found one of {span}{_points(unit)}."
            )
        few = others[(others["verdict"] == "too few seeds") & ~equal]
        if len(few):
            seeds = " or ".join(map(str, sorted(few["pairs"].unique())))
            said.append(
                f"Too few seeds for a verdict on {_listed(few['arm'])}: {seeds} shared with {baseline}, "
                f"{MINIMUM_SEEDS} are needed."
            )
        if others.empty:
            said.append(f"There is nothing to compare {baseline} with.")
    return said


def notes(comparison: Comparison) -> list[str]:
    """What a reader has to know to read the tables."""
    runs, arms = comparison.runs, comparison.arms
    lines = [
        f"± is the standard deviation over the seeds; differences are from {_listed(arms['baseline'].unique())}, "
        "seed by seed",
        *comparison.remarks,
    ]
    several = arms[arms["chosen_from"] > 1]
    if len(several):
        chosen = ", ".join(f"{row['arm']} of {row['chosen_from']}" for row in _rows(several))
        lines.append(f"chosen by validation loss{' so far' * bool(comparison.unfinished)}: {chosen}")
    if (runs["overlap"] > 0).any():
        lines.append("splits differ from seed to seed and share samples: intervals and p are widened for it")
    uneven = arms[(arms["arm"] != arms["baseline"]) & (arms["pairs"] < arms["n"])]
    for row in _rows(uneven):
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


def conclude(
    folders: Sequence[Path],
    baseline: str | None = None,
    metric: str | None = None,
    reused: set[str] | None = None,
    console: Console | None = None,
) -> int:
    """Print the comparison of what is below these folders and write it into the first; the exit status.

    reused: the run_id of those that were there before the sweep that just ended, if one did.
    """
    try:
        comparison = compare_folders(*folders, baseline=baseline, metric=metric)
    except ConfigError as error:
        complain(f"error: {error}")
        return 2
    out, where = console or Console(), folders[0]
    show(comparison, out)
    try:
        save(comparison, where)
    except OSError as error:
        complain(f"error: {short(where)}: the table can't be written: {error.strerror}")
        return 1
    asked = comparison.sweep or studies.Sweep([], None, None, None, [])
    out.open_panel(f"study {asked.study}" if asked.study else "sweep")
    out.prose(f"runs    {tally(comparison.runs, reused or set())}", indent=8)
    if comparison.unfinished and reused is not None:
        stable = asked.study or any(word.startswith("hydra.sweep.dir=") for word in asked.command)
        there = "" if stable else f" with hydra.sweep.dir={short(where)}"
        out.prose(f"left    {count(comparison.unfinished, 'run')}: the same command{there} does them", indent=8)
    out.link("report  ", where / "report.html")
    out.line_of_text(f"table   {short(where / 'comparison.md')}, .csv")
    out.line_of_text(f"curves  {how_to_watch(where)}")
    out.close_panel()
    return int((comparison.runs["status"] != "finished").any())


def tally(runs: pd.DataFrame, reused: Collection[str]) -> str:
    """What became of the runs of a sweep.

    reused: the run_id of those that were there before.
    """
    numbers = runs["status"].value_counts()
    early = int((runs["status"].eq("finished") & runs["stopped_epoch"].notna()).sum())
    there = int(runs["run_id"].isin(reused).sum())
    said = [f"{numbers.get('finished', 0)} finished" + (f" ({early} of them stopped early)" if early else "")]
    said += [f"{numbers[status]} {status}" for status in ("diverged", "failed") if status in numbers]
    return ", ".join(said) + (f"; {there} reused" if there else "")


def save(comparison: Comparison, folder: Path) -> None:
    """Write runs.csv, comparison.csv, .md and .tex, strengths.csv where arms had several, and report.html."""
    from ablate import report  # imports matplotlib: not for those who only want a table

    write(folder / "runs.csv", comparison.runs.drop(columns=["data", "overlap"]).to_csv(index=False))
    write(folder / "comparison.csv", comparison.arms.to_csv(index=False))
    write(folder / "comparison.md", markdown(comparison))
    write(folder / "comparison.tex", latex(comparison))
    if comparison.strengths.empty:
        (folder / "strengths.csv").unlink(missing_ok=True)
    else:
        write(folder / "strengths.csv", comparison.strengths.to_csv(index=False))
    report.write(comparison, folder)


def show(comparison: Comparison, console: Console) -> None:
    left_out = _show(main_table(comparison), title(comparison), console)
    strengths = strengths_table(comparison)
    if not strengths.empty:
        left_out += _show(strengths, EXPLORATORY, console)
    for line in sentences(comparison):
        console.prose(line)
    narrow = [f"no room here for {_listed(name.partition(',')[0] for name in left_out)}"] if left_out else []
    for line in notes(comparison) + narrow:
        console.prose(f"· {line}", indent=2, style="dim")
    for line in failures(comparison):
        console.prose(f"· {line}", indent=2)


def _show(frame: pd.DataFrame, title: str, console: Console) -> list[str]:
    """Print a table, or where it has no room a block an arm; the names of columns that were left out."""
    frame = frame.map(console.spelled).rename(columns=console.spelled)
    kept = _fitting(frame, console.width)
    if kept is not None:
        console.print(_rich(kept, title, console.table))
        return [name for name in frame.columns if name not in kept]
    dispensable = _dispensable(frame, DISPENSABLE[:STACKED])
    blocks = Table.grid(padding=(0, 2, 0, 0))
    blocks.highlight = True
    for row in _rows(frame.drop(columns=dispensable)):
        blocks.add_row()
        for name, cell in row.items():
            if cell:
                blocks.add_row(str(name), cell, style="bold" if name == "arm" else "")
    blocks.add_row()
    console.print(title, style="bold")
    console.print(blocks)
    return dispensable


def _dispensable(frame: pd.DataFrame, names: Sequence[str] = DISPENSABLE) -> list[str]:
    return [column for name in names for column in frame.columns if column.startswith(name)]


def _fitting(frame: pd.DataFrame, width: int) -> pd.DataFrame | None:
    """The columns that there is room for, the others are in the files; None where that is not even these."""
    room = {name: max(map(len, [*_lines(str(name)), *frame[name]])) + 2 for name in frame}
    room["arm"] = min(room["arm"], ARM)  # it may wrap
    left_out: list[str] = []
    spare = width - 1 - sum(room.values())
    for name in _dispensable(frame):
        if spare < 0:
            left_out.append(name)
            spare += room[name]
    if spare < 0:
        return None
    for name in reversed(left_out):  # what made no difference comes back
        if room[name] <= spare:
            left_out.remove(name)
            spare -= room[name]
    return frame.drop(columns=left_out)


def _lines(heading: str) -> list[str]:
    """A heading breaks at its spaces, but not within `95 %`; a figure never does."""
    return re.split(r" (?!%)|(?<!\d) ", heading)


def _rich(frame: pd.DataFrame, title: str, lines: Box) -> Table:
    table = Table(title=title, title_justify="left", box=lines, padding=(0, 1, 0, 0), highlight=True)
    for i, heading in enumerate(frame.columns):
        left = i == 0 or heading in ("verdict", "chosen")
        justify: Any = "left" if left else "right"
        table.add_column("\n".join(_lines(str(heading))), justify=justify, no_wrap=i > 0, overflow="fold")
    for row in _texts(frame):
        table.add_row(*row)
    return table


def markdown(comparison: Comparison) -> str:
    parts = [title(comparison), *sentences(comparison), _markdown(main_table(comparison))]
    if not comparison.strengths.empty:
        parts += [EXPLORATORY, _markdown(strengths_table(comparison))]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes(comparison) + failures(comparison))]) + "\n"


def _markdown(frame: pd.DataFrame) -> str:
    lines = [list(frame.columns), ["---", *["---:"] * (len(frame.columns) - 1)], *_texts(frame)]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def latex(comparison: Comparison) -> str:
    """The main table as a LaTeX table; it wants the package booktabs."""
    table = main_table(comparison).map(_tex).rename(columns=_tex)
    said = " ".join(_tex(line) for line in sentences(comparison))
    return table.to_latex(index=False, column_format="l" + "r" * (len(table.columns) - 1), caption=said)


def _tex(text: str) -> str:
    marks = {"\\": "\\textbackslash{}", "~": "\\~{}", "^": "\\^{}", "<": "$<$", "−": "$-$", "±": "$\\pm$"}
    return "".join(marks.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)


def _texts(frame: pd.DataFrame) -> list[list[str]]:
    return frame.to_numpy().tolist()


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # type: ignore[return-value]


def _points(unit: Unit) -> str:
    return unit.of_difference.replace(",", "")


def _spread(mean: float, sd: float, unit: Unit) -> str:
    return unit.value(mean) + ("" if pd.isna(sd) else f" ± {unit.value(sd)}")


def _decimal(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"


def _listed(names: Iterable[str]) -> str:
    names = list(dict.fromkeys(names))
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
