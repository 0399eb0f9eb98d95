"""The end of a sweep on a terminal: the table, the verdict in words, what became of the runs, where things are."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import Box
from rich.table import Table

from ablate import studies
from ablate.comparison import Comparison, compare_folders
from ablate.console import Console, complain
from ablate.errors import ConfigError
from ablate.files import count, how_to_watch, short
from ablate.tables import (
    EXPLORATORY,
    as_lists,
    as_rows,
    failures,
    listed,
    main_table,
    notes,
    save,
    sentences,
    strengths_table,
    title,
)

# Columns (how their names begin) that a narrow terminal does without, in this order.
DISPENSABLE = ("epochs", "weights", "train", "could detect", "p, Holm", "95 % interval")
STACKED = 4  # where not even a table without all of these has room, a block for each arm does without so many
ARM = 24  # characters of an arm's name that other columns don't take away


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


def show(comparison: Comparison, console: Console) -> None:
    left_out = _show(main_table(comparison), title(comparison), console)
    strengths = strengths_table(comparison)
    if not strengths.empty:
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
    console.print(title, style="bold")
    console.print(_blocks(frame.drop(columns=dispensable)))
    return dispensable


def _blocks(frame: pd.DataFrame) -> Table:
    blocks = Table.grid(padding=(0, 2, 0, 0))
    blocks.highlight = True
    for row in as_rows(frame):
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
    for row in as_lists(frame):
        table.add_row(*row)
    return table
