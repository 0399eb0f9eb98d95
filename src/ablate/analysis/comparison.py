"""What a sweep says: its runs, its arms against the baseline, the strengths among which each arm was chosen."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.analysis import statistics
from ablate.analysis.differing import differing
from ablate.analysis.direction import higher_is_better as told_by_name
from ablate.analysis.metrics import FIRST, LOSS, of_test
from ablate.analysis.runs import collect, figures, finished, kind, strength_columns
from ablate.analysis.selection import choose, failed_seeds, strength_table
from ablate.records.names import ASKED
from ablate.records.results import read
from ablate.records.sweeps import Sweep
from ablate.utils.console import complain
from ablate.utils.errors import ConfigError, one_of
from ablate.utils.files import is_folder
from ablate.utils.text import listed


@dataclass(frozen=True)
class Comparison:
    """Arms compared on `metric`, a test figure.

    runs: a row a run; see `runs.collect`.
    arms: a row an arm, every baseline before its arms, and these from best to worst: `statistics.COLUMNS`, then
        baseline, pairs, failed, also_differs_in (keys, apart from those that regularize, in which it is not like its
        baseline), regularized_alike (whether those that regularize are the same), chosen_from (how many strengths), the
        setting's data, overlap and test_samples, as `runs.collect` has them, and the means of `runs.figures`.
    strengths: a row a strength, of the arms that were chosen from several, from weak to strong: study_arm, arm,
        chosen, key and value (what differs, one of `runs.strength_columns`; empty where several do), n, failed, and the
        means of `runs.figures`, each with its SD as `<figure> sd`. Exploratory: nothing is tested there.
    remarks: what became of arms that have no row.
    sweep: what was asked for, where the folder tells; unfinished: how many of its runs have no result yet.
    others: how many results there are of runs that were not asked for.
    """

    runs: pd.DataFrame
    arms: pd.DataFrame
    strengths: pd.DataFrame
    metric: str
    higher_is_better: bool
    remarks: Sequence[str] = ()
    sweep: Sweep | None = None
    unfinished: int = 0
    others: int = 0


def compare_folders(
    *folders: str | Path,
    baseline: str | None = None,
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> Comparison:
    """Compare what is finished below these folders.

    baseline: an arm, as the table or the study names it; by default the study's, or that without regularizer.
    metric: a figure of the test part, `auc` or `auc/test`; by default the study's, or the first of the task's.
    higher_is_better: by default as its name tells.

    Files that are no results are named on stderr and left out.

    Raises:
        ConfigError: a folder is not there, none holds a result, there is no such baseline or metric, or nothing tells
            whether higher figures of it are better.
    """
    for folder in folders:
        if not is_folder(Path(folder)):
            raise ConfigError(f"{folder}: no such folder")
    found, complaints = read(Path(folder) for folder in folders)
    sweeps = _sweeps(folders, complaints)
    for line in complaints:
        complain(f"warning: {line}")
    asked = {run.run_id for sweep in sweeps for run in sweep.runs}
    refused = [run.result() for sweep in sweeps for run in sweep.runs if run.error is not None]
    results = [*(r for r in found if not sweeps or r["run_id"] in asked), *refused]
    if not results:
        raise ConfigError(f"{', '.join(map(str, folders))}: no results there yet")
    results.sort(key=lambda result: _natural(result["folder"]))
    members: dict[str, set[str]] = defaultdict(set)
    for run in (run for sweep in sweeps for run in sweep.runs):
        if run.arm is not None:
            members[run.run_id].add(run.arm)
    first = sweeps[0] if sweeps else Sweep([], None, None, None, [])
    runs = collect(results, {run_id: min(names) for run_id, names in members.items()})
    metric, remarks = _metric(runs, metric, first.metric)
    higher = told_by_name(metric) if higher_is_better is None else higher_is_better
    strengths = strength_columns(results)
    arms = zip(results, runs["arm"], strict=True)
    kinds = [sorted(members[result["run_id"]]) or [kind(result, arm, strengths)] for result, arm in arms]
    known = {*runs["arm"], *(name for names in members.values() for name in names)}
    if baseline is not None and baseline not in known:
        raise ConfigError(f"baseline={baseline}: {one_of(sorted(known), baseline)}")
    configs = {arm: result["config"] for result, arm in zip(results, runs["arm"], strict=True) if result["config"]}
    compared = _compared(runs, kinds, list(strengths.values()), configs, baseline or first.baseline, metric, higher)
    unfinished = len(asked - {result["run_id"] for result in results})
    others = len(found) + len(refused) - len(results)
    remarks += compared.remarks
    return replace(compared, remarks=remarks, sweep=first if sweeps else None, unfinished=unfinished, others=others)


def _metric(runs: pd.DataFrame, asked: str | None, of_study: str | None) -> tuple[str, list[str]]:
    """The figure that arms are compared by, and what there is to say about it.

    Raises:
        ConfigError: there is none of the name that was asked for.
    """
    names = [name for name in map(str, runs) if name.endswith("/test")]
    if asked is not None:
        if of_test(asked) not in names:
            raise ConfigError(f"metric={asked}: {one_of(names, of_test(asked))}")
        return of_test(asked), []
    counted = finished(runs)
    if of_study is not None and (of_study in names or counted.empty):
        runs[of_study] = runs.get(of_study, float("nan"))
        return of_study, []
    known = {name: counted.groupby("data", sort=False)[name].count().gt(0).all() for name in FIRST if name in names}
    common = next((name for name, everywhere in known.items() if everywhere), LOSS)
    if of_study is not None:
        complain(f"warning: study.metric={of_study}: {one_of(names, of_study)}; these runs are compared by {common}")
    if common != LOSS or not known or counted.empty:
        return common, []
    short = [name.removesuffix("/test") for name in known]
    said = f"{listed(short)}: not all data have {'it' if len(short) == 1 else 'one of them'}, so {LOSS} is compared"
    return LOSS, [f"{said}; ablate compare FOLDER --metric {short[0]} compares the data that have that"]


def _compared(
    runs: pd.DataFrame,
    kinds: list[list[str]],
    columns: Sequence[str],
    configs: dict[str, dict[str, Any]],
    baseline: str | None,
    metric: str,
    higher: bool,
) -> Comparison:
    """kinds: of every run, the names of the arms among whose settings one is chosen; columns: the strengths.

    configs: of every arm, that of one of its runs.
    """
    settings, sizes, strengths, remarks = [], [], [], []
    for _, of_data in runs.groupby("data", sort=False):  # nothing is compared, or chosen, across data
        groups: dict[str, dict[str, None]] = defaultdict(dict)
        for i, label in of_data["arm"].items():
            for name in kinds[int(str(i))]:
                groups[name][label] = None
        chosen = {name: choose(of_data, list(labels)) for name, labels in groups.items()}
        named = chosen.get(baseline, baseline) if baseline is not None else None
        reference = named or ""
        if reference not in set(of_data["arm"]):
            reference = _unregularized(list(chosen.values()))
            if baseline is not None:
                remarks.append(f"{baseline}: has no result yet; compared with {reference} instead")
        owners: dict[str, str] = {}
        for name in sorted(chosen, key=lambda name: name != baseline):  # the row is the baseline's where it has one
            if owners.setdefault(chosen[name], name) != name:
                remarks.append(f"{name}: has no row of its own, its settings are those of {chosen[name]}")
        settings.append(_setting(of_data[of_data["arm"].isin({reference, *owners})], reference, metric))
        sizes += [{arm: max(len(groups[n]) for n, own in chosen.items() if own == arm) for arm in chosen.values()}]
        strengths.append(strength_table(of_data, groups, chosen, columns))
    tables = []
    compared = statistics.compare_together(settings, metric, higher)  # all settings are one family
    for setting, own, from_how_many in zip(settings, compared, sizes, strict=True):
        table = _described(own, setting, configs, higher)
        table["chosen_from"] = [from_how_many.get(arm, 1) for arm in table["arm"]]
        tables.append(table)
    arms = pd.concat(tables, ignore_index=True)
    several = [table for table in strengths if len(table)]
    chosen_from = pd.concat(several, ignore_index=True) if several else pd.DataFrame()
    return Comparison(runs, arms, chosen_from, metric, higher, remarks)


def _setting(runs: pd.DataFrame, baseline: str, metric: str) -> statistics.Setting:
    # A run without a figure counts as a seed without one, so that its arm has a row.
    failed = runs[runs["status"] != "finished"].assign(**{metric: float("nan")})
    usable = pd.concat([finished(runs), failed]).drop_duplicates(["arm", "seed"])
    return statistics.Setting(usable, baseline, float(runs["overlap"].iloc[0]))


def _described(
    compared: pd.DataFrame, setting: statistics.Setting, configs: dict[str, dict[str, Any]], higher: bool
) -> pd.DataFrame:
    """The arms of a setting with what is told of them beside their statistics, the baseline first, then the best."""
    runs, baseline, pairs = setting.table, setting.baseline, compared.attrs.pop("pairs")
    compared["baseline"] = baseline
    compared["pairs"] = [pairs.get(arm, 0) for arm in compared["arm"]]
    compared["failed"] = [failed_seeds(runs, arm) for arm in compared["arm"]]
    others = [differing(configs.get(arm, {}), configs.get(baseline, {})) for arm in compared["arm"]]
    compared["also_differs_in"] = [", ".join(keys) for keys, _ in others]
    compared["regularized_alike"] = [alike for _, alike in others]
    for name in ("data", "overlap", "test_samples"):
        compared[name] = runs[name].dropna().iloc[0] if runs[name].notna().any() else float("nan")
    means = finished(runs).groupby("arm")[figures(runs)].mean().reindex(compared["arm"]).reset_index(drop=True)
    compared = pd.concat([compared, means], axis=1)
    order = compared["mean"].where(compared["arm"] != baseline, float("inf") if higher else -float("inf"))
    return compared.loc[order.sort_values(ascending=not higher, kind="stable").index]


def _unregularized(arms: Sequence[str]) -> str:
    return next((arm for arm in arms if arm.split(" ")[0] == "none"), arms[0])


def _sweeps(folders: Sequence[str | Path], complaints: list[str]) -> list[Sweep]:
    """What was asked for in these folders; none where one of them doesn't tell, so that nothing is left out."""
    found = []
    for folder in folders:
        path = Path(folder) / ASKED
        if not os.path.lexists(path):
            return []
        try:
            found.append(Sweep.read(path))
        except ConfigError as error:
            complaints.append(f"{error}; all results there are shown")
            return []
    return found


def _natural(text: str) -> list[Any]:
    """Sorts run 10 behind run 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", text)]
