"""`ablate compare`: the table and the verdicts of what is finished, now or while a sweep still runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from ablate.analysis.comparison import compare_folders
from ablate.cli.arguments import Parser
from ablate.records.names import COMPARISON, REPORT
from ablate.records.sweeps import Sweep
from ablate.report.terminal import show
from ablate.report.write import save
from ablate.tensorboard.command import how_to_watch
from ablate.utils import interrupts
from ablate.utils.console import FAILED, REFUSED, Console, complain
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import short
from ablate.utils.text import count

FOLDERS = "of a study, a sweep or runs; the table is written into the first"


def main(arguments: Sequence[str]) -> int:
    """The subcommand; its exit status: 0 all runs there finished, 1 some failed, 2 it can't be done."""
    parser = Parser(prog="ablate compare", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help=FOLDERS)
    parser.add_argument("--baseline", metavar="ARM", help="what the others are compared with (default: the study's)")
    parser.add_argument("--metric", help="a figure of the test part, such as auc or loss (default: the study's)")
    direction = "which figures are the better ones, where the metric's name doesn't tell"
    parser.add_argument("--better", choices=("higher", "lower"), help=direction)
    given = parser.parse_args(list(arguments))
    higher = None if given.better is None else given.better == "higher"
    return compare(given.folders, given.baseline, given.metric, higher)


def compare(
    folders: Sequence[Path],
    baseline: str | None = None,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    reused: set[str] | None = None,
    console: Console | None = None,
) -> int:
    """Print the comparison of what is below these folders and write it into the first; the exit status.

    reused: the run_id of those that were there before the sweep that just ended, if one did.
    """
    try:
        comparison = compare_folders(*folders, baseline=baseline, metric=metric, higher_is_better=higher_is_better)
    except ConfigError as error:
        complain(f"error: {one_line(error)}")
        return REFUSED
    interrupts.check()
    out, where = console or Console(), folders[0]
    show(comparison, out)
    try:
        save(comparison, where)
    except ConfigError as error:
        complain(f"error: {error}")
        return REFUSED
    except OSError as error:
        complain(f"error: {short(where)}: the table can't be written: {error.strerror}")
        return FAILED
    asked = comparison.sweep or Sweep([], None, None, None, [])
    out.open_panel(f"study {asked.study}" if asked.study else "sweep")
    out.prose(f"runs    {tally(comparison.runs, reused or set())}", indent=8)
    if comparison.unfinished and reused is not None:
        stable = asked.study or any(word.startswith("hydra.sweep.dir=") for word in asked.command)
        there = "" if stable else f" with hydra.sweep.dir={short(where)}"
        out.prose(f"left    {count(comparison.unfinished, 'run')}: the same command{there} does them", indent=8)
    out.link("report  ", where / REPORT)
    out.line_of_text(f"table   {short(where / COMPARISON)}.md, .csv")
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
