"""The comparison table: one row an arm, from the results that runs left in their folders."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from ablate.errors import ConfigError, shown
from ablate.files import how_to_watch, short, write
from ablate.identity import decisive
from ablate.results import read

MINIMUM_SEEDS = 6  # below, no verdict

# column of the table: heading, format of a mean, format of its SD
COLUMNS: dict[str, tuple[str, str, str]] = {
    "accuracy/test": ("test accuracy, %", ".2%", ".2%"),
    "difference": ("difference, points", "+.2%", ""),
    "loss/val": ("validation loss", ".4f", ""),
    "gap": ("train−test gap, points", "+.2%", ""),
    "near_zeros": ("weights <1e-3, %", ".1%", ""),
    "l2_norm": ("weight norm", ".2f", ""),
    "epochs": ("epochs", ".1f", ""),
    "seconds": ("seconds", ".2f", ""),
}


def collect(*folders: str | Path) -> pd.DataFrame:
    """The runs below these folders, a row each: arm, seed, status, error, folder, every figure.

    Files that are no results are named on stderr and left out.

    Raises:
        ConfigError: a folder is not there, or none holds a result.
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise ConfigError(f"{folder}: no such folder")
    results, complaints = read(Path(folder) for folder in folders)
    for line in complaints:
        print(line, file=sys.stderr)
    if not results:
        raise ConfigError(f"{', '.join(map(str, folders))}: no results there yet")
    results.sort(key=lambda result: _natural(result["folder"]))
    labels = _labels(results)
    return pd.DataFrame([_run_row(result, label) for result, label in zip(results, labels, strict=True)])


def compare(runs: pd.DataFrame, baseline: str | None = None) -> pd.DataFrame:
    """Arms, the baseline first: n, failed and mean and SD (n-1) over the seeds of every figure.

    difference: the mean over the seeds that both arms finished of test accuracy minus the baseline's.

    Raises:
        ConfigError: there is no arm named `baseline`.
    """
    arms = list(dict.fromkeys(runs["arm"]))
    if baseline is not None and baseline not in arms:
        raise ConfigError(f"baseline={baseline}: must be one of {', '.join(arms)}")
    table = []
    for _, group in runs.groupby("data", sort=False):  # nothing is compared across data
        arms = list(dict.fromkeys(group["arm"]))
        unregularized = next((arm for arm in arms if arm.split(" ")[0] == "none"), arms[0])
        reference = baseline if baseline is not None and baseline in arms else unregularized
        table += [_arm_row(group, arm, reference) for arm in sorted(arms, key=lambda arm: arm != reference)]
    return pd.DataFrame(table)


def _arm_row(runs: pd.DataFrame, arm: str, reference: str) -> dict[str, Any]:
    finished = _finished(runs, arm)
    failed = int(((runs["arm"] == arm) & (runs["status"] != "finished")).sum())
    row: dict[str, Any] = {"arm": arm, "n": len(finished), "failed": failed, "baseline": reference}
    accuracy = finished.set_index("seed")["accuracy/test"]
    pairs = (accuracy - _finished(runs, reference).set_index("seed")["accuracy/test"]).dropna()
    if arm == reference:
        pairs = pairs.iloc[:0]
    row["pairs"] = len(pairs)
    for name in COLUMNS:
        values = pairs if name == "difference" else finished[name]
        row[name], row[f"{name} sd"] = values.mean(), values.std(ddof=1)
    return row


def conclude(folders: Sequence[Path], console: Console | None = None) -> int:
    """Print the table of what is below these folders and write it into the first; the exit status."""
    from ablate.progress import PLAIN, consoles

    try:
        runs = collect(*folders)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    out = console or consoles()[0]
    arms = compare(runs)
    show(arms, runs, out)
    write(folders[0] / "comparison.csv", arms.to_csv(index=False))
    write(folders[0] / "comparison.md", markdown(arms, runs))
    where = short(folders[0])
    out.print(f"report  {where / 'comparison.md'}, all figures in {where / 'comparison.csv'}", **PLAIN)
    out.print(f"curves  {how_to_watch(where)}", **PLAIN)
    return int(bool((runs["status"] != "finished").any()))


def show(arms: pd.DataFrame, runs: pd.DataFrame, console: Console) -> None:
    table = Table(title=_title(runs), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, heading in enumerate(_headings(arms)):
        # A heading breaks at its spaces, a figure never.
        table.add_column(heading.replace(" ", "\n"), justify="left" if i == 0 else "right", no_wrap=i > 0)
    for _, row in arms.iterrows():
        table.add_row(*_cells(row, arms))
    console.print(table)
    for note in notes(arms, runs):
        console.print(f"· {note}", highlight=False, markup=False)


def markdown(arms: pd.DataFrame, runs: pd.DataFrame) -> str:
    headings = _headings(arms)
    lines = [
        headings,
        ["---", *["---:"] * (len(headings) - 1)],
        *(_cells(row, arms) for _, row in arms.iterrows()),
    ]
    rows = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"{_title(runs)}\n\n{rows}\n\n" + "\n".join(f"- {note}" for note in notes(arms, runs)) + "\n"


def notes(arms: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """What a reader has to know to read the table, and every run that gave no figures."""
    references = ", ".join(dict.fromkeys(arms["baseline"]))
    lines = [f"± is the standard deviation over the seeds; differences are from {references}, seed by seed"]
    compared = arms[arms["arm"] != arms["baseline"]]
    if len(compared) and (few := compared["pairs"].min()) < MINIMUM_SEEDS:
        lines.append(f"too few seeds for a verdict: {few} a pair of arms, {MINIMUM_SEEDS} are needed")
    if repeats := int(runs.duplicated(["arm", "seed"]).sum()):
        lines.append(f"{repeats} of these runs repeat an arm and seed; the last finished one of each counts")
    for _, run in runs[runs["status"] != "finished"].iterrows():
        lines.append(f"{run['arm']} seed {run['seed']}: {run['status']}: {run['error']}")
    return lines


def _title(runs: pd.DataFrame) -> str:
    return f"{len(runs)} run{'s' * (len(runs) != 1)} on {', '.join(dict.fromkeys(runs['dataset']))}"


def _headings(arms: pd.DataFrame) -> list[str]:
    failed = ["failed"] if arms["failed"].any() else []
    return ["arm", "n", *failed, *(heading for heading, _, _ in COLUMNS.values())]


def _cells(row: pd.Series, arms: pd.DataFrame) -> list[str]:
    failed = [str(row["failed"])] if arms["failed"].any() else []
    cells = [str(row["arm"]), str(row["n"]), *failed]
    for name, (_, mean, sd) in COLUMNS.items():
        cells.append("" if pd.isna(row[name]) else _formatted(row[name], mean))
        if cells[-1] and sd and not pd.isna(row[f"{name} sd"]):
            cells[-1] += " ± " + _formatted(row[f"{name} sd"], sd)
    return cells


def _formatted(value: float, spec: str) -> str:
    text = format(value, spec).removesuffix("%")  # the heading says %
    return text.replace("-", "+") if not text.strip("+-0.") else text  # no -0.00


def _finished(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    return runs[(runs["arm"] == arm) & (runs["status"] == "finished")].drop_duplicates("seed", keep="last")


def _run_row(result: dict[str, Any], label: str) -> dict[str, Any]:
    metrics, weights = result["metrics"], result.get("weights") or {}
    figures = {name: _number(metrics.get(name)) for name in sorted(metrics)}
    train, test = (_number(metrics.get(f"accuracy/{part}")) for part in ("train", "test"))
    return {
        "arm": label,
        "seed": result["seed"],
        "status": result["status"],
        "dataset": result["config"]["dataset"]["name"],
        "data": _data(result["config"]),
        "run_id": result["run_id"],
        **dict.fromkeys(("accuracy/test", "loss/val"), float("nan")),
        **figures,
        "gap": train - test,
        **{name: _number(weights.get(name)) for name in ("near_zeros", "zeros", "l1_norm", "l2_norm")},
        **{name: _number(result.get(name)) for name in ("epochs", "best_epoch", "stopped_epoch", "seconds")},
        "error": result.get("error"),
        "folder": result["folder"],
    }


def _data(config: dict[str, Any]) -> str:
    """What two runs must have in common for their figures to be compared."""
    return ", ".join(f"{key}={shown(value)}" for key, value in decisive(config).items() if key.startswith("dataset."))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _labels(results: Sequence[dict[str, Any]]) -> list[str]:
    """An arm's name for every result, the same for results whose configs differ only in their seed.

    Where configs that differ have the same name (a sweep over the learning rate, say), the keys in which
    they differ are added to it.
    """
    configs = [decisive(result["config"]) for result in results]
    keys = list(dict.fromkeys(key for config in configs for key in config if key != "seed"))
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for result, config in zip(results, configs, strict=True):
        for key in keys:
            values[result["arm"], key].add(shown(config[key]) if key in config else "")
    labels = []
    for result, config in zip(results, configs, strict=True):
        differing = [key for key in keys if key in config and len(values[result["arm"], key]) > 1]
        # Another option brings other keys with it: its name says enough.
        named = {key.partition(".")[0] for key in differing if key.endswith(".name")}
        told = [key for key in differing if key.endswith(".name") or key.partition(".")[0] not in named]
        words = (f"{_short_key(key)}={shown(config[key])}" for key in told)
        labels.append(" ".join([result["arm"], *words]))
    return labels


def _short_key(key: str) -> str:
    """`lr` for `optimizer.lr`, but `optimizer` for `optimizer.name`."""
    group, _, last = key.rpartition(".")
    return group if last == "name" else last


def _natural(text: str) -> list[Any]:
    """Sorts run 10 behind run 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]
