"""A comparison on a terminal: as wide a table as there is room for, the verdicts in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.box import Box
from rich.table import Table

from ablate.analysis.comparison import Comparison
from ablate.report.compared import compared
from ablate.report.tables import as_lists, main_table, strengths_tables
from ablate.report.text import EXPLORATORY, failures, notes, rows_of, sentences, title
from ablate.utils.console import Console
from ablate.utils.text import listed

# Columns (how their names begin) that a narrow terminal does without, in this order.
DISPENSABLE = ("epochs", "weights", "train", "gap", "could detect", "p, Holm", "95 % interval")
STACKED = 5  # where not even a table without all of these has room, a block for each arm does without so many
WRAPPED = {"arm": 24, "also differs in": 20}  # characters of columns of words that other columns don't take away


def show(comparison: Comparison, console: Console) -> None:
    console.print(title(comparison), style="bold")
    for line in compared(comparison):
        console.prose(line, style="dim")
    left_out = [name for part in comparison.parts for name in _show(main_table(part), "", console)]
    for strengths in strengths_tables(comparison):
        left_out += _show(strengths, EXPLORATORY, console)
    for line in sentences(comparison):
        console.prose(line)
    narrow = [f"no room here for {listed(name.partition(',')[0] for name in left_out)}"] if left_out else []
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
    if title:
        console.print(title, style="bold")
    console.print(_blocks(frame.drop(columns=dispensable)))
    return dispensable


def _blocks(frame: pd.DataFrame) -> Table:
    blocks = Table.grid(padding=(0, 2, 0, 0))
    blocks.highlight = True
    for row in rows_of(frame):
        blocks.add_row()
        for name, cell in row.items():
            if cell:
                blocks.add_row(str(name), cell, style="bold" if name == "arm" else "")
    blocks.add_row()
    return blocks


def _dispensable(frame: pd.DataFrame, names: Sequence[str] = DISPENSABLE) -> list[str]:
    return [column for name in names for column in frame.columns if column.startswith(name)]


def _fitting(frame: pd.DataFrame, width: int) -> pd.DataFrame | None:
    """The columns that there is room for, the others are in the files; None where that is not even these."""
    room = {name: max(map(len, [*_lines(str(name)), *frame[name]])) + 2 for name in frame}
    room |= {name: min(room[name], most) for name, most in WRAPPED.items() if name in room}
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
    table = Table(title=title or None, title_justify="left", box=lines, padding=(0, 1, 0, 0), highlight=True)
    for heading in frame.columns:
        left = heading in (*WRAPPED, "verdict", "chosen")
        justify: Any = "left" if left else "right"
        table.add_column(
            "\n".join(_lines(str(heading))), justify=justify, no_wrap=heading not in WRAPPED, overflow="fold"
        )
    for row in as_lists(frame):
        table.add_row(*row)
    return table
