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
    """Arms compared on `metric`, a test figure; data of a task that doesn't have it on their own: see `parts`.

    runs: a row a run; see `runs.collect`.
    arms: a row an arm, every baseline before its arms, and these from best to worst: `statistics.COLUMNS`, then
        baseline, metric, higher_is_better, pairs, failed, also_differs_in (keys, apart from those that regularize, in
        which it is not like its baseline), regularized_alike (whether those that regularize are the same), chosen_from
        (how many strengths), the setting's data, overlap and test_samples, as `runs.collect` has them, and the means of
        `runs.figures`.
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

    @property
    def parts(self) -> list[Comparison]:
        """The comparisons on one metric each: itself alone, unless its data are of several tasks."""
        found = []
        for (metric, higher), arms in self.arms.groupby(["metric", "higher_is_better"], sort=False):
            runs = self.runs[self.runs["data"].isin(arms["data"])]
            own = self.strengths[self.strengths["arm"].isin(runs["arm"])] if len(self.strengths) else self.strengths
            arms, own = arms.reset_index(drop=True), own.reset_index(drop=True)
            found.append(
                replace(self, runs=runs, arms=arms, strengths=own, metric=str(metric), higher_is_better=bool(higher))
            )
        return found if len(found) > 1 else [self]


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
    metrics = _metrics(runs, metric, first.metric)
    directions = {
        name: told_by_name(name)
        if higher_is_better is None or (metric and name != of_test(metric))
        else higher_is_better
        for name in metrics.values()
    }
    strengths = strength_columns(results)
    arms = zip(results, runs["arm"], strict=True)
    kinds = [sorted(members[result["run_id"]]) or [kind(result, arm, strengths)] for result, arm in arms]
    known = {*runs["arm"], *(name for names in members.values() for name in names)}
    if baseline is not None and baseline not in known:
        raise ConfigError(f"baseline={baseline}: {one_of(sorted(known), baseline)}")
    configs = {arm: result["config"] for result, arm in zip(results, runs["arm"], strict=True) if result["config"]}
    compared = _compared(
        runs, kinds, list(strengths.values()), configs, baseline or first.baseline, metrics, directions
    )
    unfinished = len(asked - {result["run_id"] for result in results})
    others = len(found) + len(refused) - len(results)
    return replace(compared, sweep=first if sweeps else None, unfinished=unfinished, others=others)


def _metrics(runs: pd.DataFrame, asked: str | None, of_study: str | None) -> dict[str, str]:
    """By data, the figure that arms are compared by: what was asked for where they have it, or the first of their task.

    Raises:
        ConfigError: no data have what was asked for.
    """
    counted = finished(runs)
    names = [name for name in map(str, runs) if name.endswith("/test")]
    if asked is not None and of_test(asked) not in names:
        raise ConfigError(f"metric={asked}: {one_of(names, of_test(asked))}")
    wanted = of_study if asked is None else of_test(asked)
    if wanted is not None and wanted not in names and counted.empty:
        runs[wanted] = float("nan")
    found: dict[str, str] = {}
    otherwise = wanted if wanted is not None and wanted in runs else LOSS
    for data, _ in runs.groupby("data", sort=False):
        own = counted[counted["data"] == data]
        known = [name for name in (*([wanted] if wanted else []), *FIRST) if name in own and own[name].notna().any()]
        found[str(data)] = next(iter(known), otherwise)
    if wanted is not None and (others := {data: used for data, used in found.items() if used != wanted}):
        said = f"study.metric={wanted}: {one_of(names, wanted)}" if wanted not in runs else f"{wanted}: is undefined"
        where = "" if len(others) == len(found) else " on some of the data"
        complain(f"warning: {said}{where}; these runs are compared by {listed(others.values())}")
    return found


def _compared(
    runs: pd.DataFrame,
    kinds: list[list[str]],
    columns: Sequence[str],
    configs: dict[str, dict[str, Any]],
    baseline: str | None,
    metrics: dict[str, str],
    directions: dict[str, bool],
) -> Comparison:
    """kinds: of every run, the names of the arms among whose settings one is chosen; columns: the strengths.

    configs: of every arm, that of one of its runs; metrics: by which each data setting is compared; directions: whether
    higher figures of these are better.
    """
    settings, sizes, strengths, remarks = [], [], [], []
    for data, of_data in runs.groupby("data", sort=False):  # nothing is compared, or chosen, across data
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
        metric, shown = metrics[str(data)], of_data[of_data["arm"].isin({reference, *owners})]
        settings.append(_setting(shown, reference, metric, directions[metric]))
        sizes += [{arm: max(len(groups[n]) for n, own in chosen.items() if own == arm) for arm in chosen.values()}]
        strengths.append(strength_table(of_data, groups, chosen, columns))
    tables = []
    compared = statistics.compare_together(settings)  # all settings are one family
    for setting, own, from_how_many in zip(settings, compared, sizes, strict=True):
        table = _described(own, setting, configs)
        table["chosen_from"] = [from_how_many.get(arm, 1) for arm in table["arm"]]
        tables.append(table)
    arms = pd.concat(tables, ignore_index=True)
    several = [table for table in strengths if len(table)]
    chosen_from = pd.concat(several, ignore_index=True) if several else pd.DataFrame()
    metric = settings[0].metric
    return Comparison(runs, arms, chosen_from, metric, directions[metric], remarks)


def _setting(runs: pd.DataFrame, baseline: str, metric: str, higher: bool) -> statistics.Setting:
    # A run without a figure counts as a seed without one, so that its arm has a row.
    failed = runs[runs["status"] != "finished"].assign(**{metric: float("nan")})
    usable = pd.concat([finished(runs), failed]).drop_duplicates(["arm", "seed"])
    return statistics.Setting(usable, baseline, metric, higher, float(runs["overlap"].iloc[0]))


def _described(compared: pd.DataFrame, setting: statistics.Setting, configs: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """The arms of a setting with what is told of them beside their statistics, the baseline first, then the best."""
    runs, baseline, pairs = setting.table, setting.baseline, compared.attrs.pop("pairs")
    higher = bool(setting.higher_is_better)
    compared["baseline"], compared["metric"], compared["higher_is_better"] = baseline, setting.metric, higher
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
