"""The tables of a comparison: as text under headings with units, in Markdown and LaTeX."""

from __future__ import annotations

import re

import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.report.compared import compared
from ablate.report.text import EXPLORATORY, failures, notes, rows_of, sentences, title
from ablate.report.units import Unit, gap_heading, p_value, unit_of, watched
from ablate.utils.text import line

# Of Markdown, wherever they stand or before or behind what makes them marks.
MARKS = re.compile(r"[\\|`*]|<(?=[a-zA-Z/!?])|\](?=[(\[])|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|^[#>+-](?!\d)")


def main_table(comparison: Comparison) -> pd.DataFrame:
    """The table of arms, as text under headings with units. comparison: on one metric."""
    arms, unit = comparison.arms, unit_of(comparison)
    points = unit.of_difference
    intervals = [
        ""
        if pd.isna(row["difference_low"])
        else f"{unit.value(row['difference_low'], True)} to {unit.value(row['difference_high'], True)}"
        for row in rows_of(arms)
    ]
    columns: dict[str, list[str]] = {
        "arm": list(arms["arm"]),
        "n": [str(n) for n in arms["n"]],
        **({"failed": [str(n) for n in arms["failed"]]} if arms["failed"].any() else {}),
        unit.heading: [_spread(mean, sd, unit) for mean, sd in zip(arms["mean"], arms["sd"], strict=True)],
        f"difference{points}": [unit.value(d, True) for d in arms["difference"]],
        "95 % interval": intervals,
        "p, Holm": ["" if pd.isna(p) else p_value(p) for p in arms["p_holm"]],
        "verdict": list(arms["verdict"]),
        **({"also differs in": list(arms["also_differs_in"])} if arms["also_differs_in"].any() else {}),
        f"could detect{points}": [unit.value(d) for d in arms["detectable"]],
        **_gaps(comparison, arms),
        "weights <1e-3, %": [_decimal(100 * share, 1) for share in arms["near_zeros"]],
        "epochs": [_decimal(epochs, 0) for epochs in arms["epochs"]],
    }
    return pd.DataFrame(columns)


def strengths_tables(comparison: Comparison) -> list[pd.DataFrame]:
    """A table of strengths for every metric; none where no arm had several."""
    return [_strengths_table(part) for part in comparison.parts if len(part.strengths)]


def _strengths_table(comparison: Comparison) -> pd.DataFrame:
    """The table of strengths, as text under headings with units. comparison: on one metric."""
    strengths, unit = comparison.strengths, unit_of(comparison)
    loss = unit_of(comparison, "loss/val")

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
            **_gaps(comparison, strengths),
            "weights <1e-3, %": [_decimal(100 * share, 1) for share in strengths["near_zeros"]],
        }
    )


def _gaps(comparison: Comparison, table: pd.DataFrame) -> dict[str, list[str]]:
    """The column of how much worse test is than training; none where data are judged by different figures."""
    if (name := watched(comparison)) is None:
        return {}
    unit = unit_of(comparison, f"{name}/test")
    return {gap_heading(name): [unit.value(gap, True) for gap in table["gap"]]}


def markdown(comparison: Comparison) -> str:
    first = [title(comparison), *compared(comparison)]
    parts = [*map(_md, [*first, *sentences(comparison)]), *map(_markdown, map(main_table, comparison.parts))]
    if not comparison.strengths.empty:
        parts += [_md(EXPLORATORY), *map(_markdown, strengths_tables(comparison))]
    said = "\n".join(f"- {_md(note)}" for note in notes(comparison) + failures(comparison))
    return "\n\n".join([*parts, said]) + "\n"


def _markdown(frame: pd.DataFrame) -> str:
    rows = [[_md(str(cell)) for cell in cells] for cells in (list(frame.columns), *as_lists(frame))]
    rows.insert(1, ["---", *["---:"] * (len(frame.columns) - 1)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _md(text: str) -> str:
    """Text that Markdown shows as it is, in a cell, a paragraph or an item: what it takes for a mark is escaped."""
    return re.sub(r"^(\d+)(?=[.)](\s|$))", r"\1\\", MARKS.sub(r"\\\g<0>", line(text)))  # 1. begins a list


def latex(comparison: Comparison) -> str:
    """The main table as a LaTeX table, which wants the package booktabs; its caption says what was compared.

    A table for every metric; the first has all that is said in its caption.
    """
    first = [title(comparison), *compared(comparison)]
    said = " ".join(_tex(line) for line in [*(f"{each}." for each in first), *sentences(comparison)])
    tables: list[str] = []
    for part in comparison.parts:
        table = main_table(part)
        columns = "l" + "r" * (len(table.columns) - 1)
        shown = table.map(_tex).rename(columns=_tex)
        tables.append(
            shown.to_latex(
                index=False, column_format=columns, caption=_tex(f"By {unit_of(part).name}.") if tables else said
            )
        )
    return "\n".join(tables)


def _tex(text: str) -> str:
    """Text that LaTeX shows as it is. After a row, a star or a bracket would be the end of its \\\\."""
    marks = {"\\": "\\textbackslash{}", "~": "\\~{}", "^": "\\^{}", "<": "$<$", ">": "$>$", "−": "$-$", "±": "$\\pm$"}
    marks |= {"[": "{[}", "*": "{*}", "|": "$|$"}
    return "".join(marks.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in line(text))


def as_lists(frame: pd.DataFrame) -> list[list[str]]:
    """The cells of a table of text, row by row."""
    return frame.to_numpy().tolist()


def _spread(mean: float, sd: float, unit: Unit) -> str:
    return unit.value(mean) + ("" if pd.isna(sd) else f" ± {unit.value(sd)}")


def _decimal(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"
