"""What a sweep says: its runs, its arms against the baseline, the strengths among which each arm was chosen."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import regularizers, statistics, studies
from ablate.console import complain
from ablate.errors import ConfigError, one_of, shown
from ablate.identity import decisive
from ablate.results import read

METRIC = "accuracy/test"

# What is told of an arm beside its verdict: means over the seeds.
FIGURES = ("loss/test", "accuracy/test", "loss/val", "accuracy/val", "loss/train", "gap", "near_zeros", "zeros",
           "l2_norm", "epochs", "best_epoch", "stopped_epoch", "seconds")  # fmt: skip

# Where a config says how strongly it regularizes, and the column of that name: the runs' table has them all.
STRONG = {"model.dropout": "dropout", "model.input_dropout": "input_dropout", "early_stopping.patience": "patience"}
STRONG |= {f"regularizer.{name}": name for name in regularizers.names() if name not in STRONG.values()}
STRENGTHS = tuple(STRONG.values())


@dataclass(frozen=True)
class Comparison:
    """Arms compared on `metric`, a test figure.

    runs: a row a run; see `collect`.
    arms: a row an arm, every baseline before its arms, and these from best to worst: `statistics.COLUMNS`, then
        baseline, pairs, failed, chosen_from (how many strengths) and the means of `FIGURES`.
    strengths: a row a strength, of the arms that were chosen from several, from weak to strong: study_arm, arm,
        chosen, key and value (what differs, a column of `STRENGTHS`; empty where several do), n, failed, and the
        means of `FIGURES`, each with its SD as `<figure> sd`. Exploratory: nothing is tested there.
    remarks: what became of arms that have no row.
    sweep: what was asked for, where the folder tells; unfinished: how many of its runs have no result yet.
    others: how many results there are of runs that were not asked for.
    """

    runs: pd.DataFrame
    arms: pd.DataFrame
    strengths: pd.DataFrame
    metric: str
    remarks: Sequence[str] = ()
    sweep: studies.Sweep | None = None
    unfinished: int = 0
    others: int = 0

    @property
    def higher_is_better(self) -> bool:
        return self.metric.startswith("accuracy")


def compare_folders(*folders: str | Path, baseline: str | None = None, metric: str | None = None) -> Comparison:
    """Compare what is finished below these folders.

    baseline: an arm, as the table or the study names it; by default the study's, or that without regularizer.
    metric: by default the study's, or test accuracy.

    Files that are no results are named on stderr and left out.

    Raises:
        ConfigError: a folder is not there, none holds a result, or there is no such baseline or metric.
    """
    for folder in folders:
        if not Path(folder).is_dir():
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
    first = sweeps[0] if sweeps else studies.Sweep([], None, None, None, [])
    metric = metric or first.metric or METRIC
    runs = collect(results, {run_id: min(names) for run_id, names in members.items()})
    if metric not in runs or not metric.endswith("/test"):
        raise ConfigError(f"metric={metric}: {one_of(('accuracy/test', 'loss/test'), metric)}")
    kinds = [sorted(members[r["run_id"]]) or [_kind(r, arm)] for r, arm in zip(results, runs["arm"], strict=True)]
    known = {*runs["arm"], *(name for names in members.values() for name in names)}
    if baseline is not None and baseline not in known:
        raise ConfigError(f"baseline={baseline}: {one_of(sorted(known), baseline)}")
    compared = _compared(runs, kinds, baseline or first.baseline, metric)
    unfinished = len(asked - {result["run_id"] for result in results})
    others = len(found) + len(refused) - len(results)
    return replace(compared, sweep=first if sweeps else None, unfinished=unfinished, others=others)


def collect(results: Sequence[dict[str, Any]], study_arms: Mapping[str, str]) -> pd.DataFrame:
    """Results as a table, a row a run: arm, seed, status, error, folder, every figure.

    study_arms: the study's name for the arm of a run, by its run_id.
    """
    rows = [_run_row(result, label) for result, label in zip(results, _named(results, study_arms), strict=True)]
    runs = pd.DataFrame(rows)
    # A run that could not be composed is a row beside those that could.
    composed = runs["dataset"].notna()
    for name, nothing in (("dataset", "no data"), ("data", ""), ("overlap", 0.0)):
        runs.loc[~composed, name] = runs.loc[composed, name].iloc[0] if composed.any() else nothing
    return runs


def finished(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that count: one of each arm and seed."""
    return runs[runs["status"] == "finished"].drop_duplicates(["arm", "seed"], keep="last")


def _compared(runs: pd.DataFrame, kinds: list[list[str]], baseline: str | None, metric: str) -> Comparison:
    """kinds: of every run, the names of the arms among whose settings one is chosen."""
    tables, strengths, remarks = [], [], []
    for _, of_data in runs.groupby("data", sort=False):  # nothing is compared, or chosen, across data
        groups: dict[str, dict[str, None]] = defaultdict(dict)
        for i, label in of_data["arm"].items():
            for name in kinds[int(str(i))]:
                groups[name][label] = None
        chosen = {name: _choose(of_data, list(labels)) for name, labels in groups.items()}
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
        table = _table(of_data[of_data["arm"].isin({reference, *owners})], reference, metric)
        sizes = {label: max(len(groups[n]) for n, own in chosen.items() if own == label) for label in chosen.values()}
        table["chosen_from"] = [sizes.get(arm, 1) for arm in table["arm"]]
        tables.append(table)
        strengths.append(_strengths(of_data, groups, chosen))
    arms = pd.concat(tables, ignore_index=True)
    several = [table for table in strengths if len(table)]
    return Comparison(runs, arms, pd.concat(several, ignore_index=True) if several else pd.DataFrame(), metric, remarks)


def _table(runs: pd.DataFrame, baseline: str, metric: str) -> pd.DataFrame:
    higher_is_better = metric.startswith("accuracy")
    # A run without a figure counts as a seed without one, so that its arm has a row.
    failed = runs[runs["status"] != "finished"].assign(**{metric: float("nan")})
    usable = pd.concat([finished(runs), failed]).drop_duplicates(["arm", "seed"])
    compared = statistics.compare(usable, baseline, metric, higher_is_better, float(runs["overlap"].iloc[0]))
    pairs = compared.attrs.pop("pairs")
    compared["baseline"] = baseline
    compared["pairs"] = [pairs.get(arm, 0) for arm in compared["arm"]]
    compared["failed"] = [_failed(runs, arm) for arm in compared["arm"]]
    means = finished(runs).groupby("arm")[list(FIGURES)].mean().reindex(compared["arm"]).reset_index(drop=True)
    compared = pd.concat([compared, means], axis=1)
    order = compared["mean"].where(compared["arm"] != baseline, float("inf") if higher_is_better else -float("inf"))
    return compared.loc[order.sort_values(ascending=not higher_is_better, kind="stable").index]


def _strengths(runs: pd.DataFrame, groups: Mapping[str, Collection[str]], chosen: Mapping[str, str]) -> pd.DataFrame:
    rows = []
    counted = finished(runs)
    values_of = runs.drop_duplicates("arm").set_index("arm")[list(STRENGTHS)]
    for name, labels in groups.items():
        own = values_of.loc[list(labels)].sort_values(list(STRENGTHS), kind="stable")
        differing = [key for key in STRENGTHS if own[key].nunique() > 1]
        key = differing[0] if len(differing) == 1 else None
        for label in own.index if len(labels) > 1 else []:
            values = counted[counted["arm"] == label]
            row = {
                "study_arm": name,
                "arm": label,
                "chosen": chosen[name] == label,
                "key": key,
                "value": own.loc[label, key] if key else None,
                "n": len(values),
                "failed": _failed(runs, label),
            }
            for figure in FIGURES:
                row[figure], row[f"{figure} sd"] = values[figure].mean(), values[figure].std(ddof=1)
            rows.append(row)
    return pd.DataFrame(rows)


def _choose(runs: pd.DataFrame, labels: list[str]) -> str:
    """The strength of least validation loss, among those of which fewest runs failed.

    The mean is over the seeds that all of these have, where there are any: an easy seed must not decide.
    """
    failed = {label: _failed(runs, label) for label in labels}
    eligible = [label for label in labels if failed[label] == min(failed.values())]
    counted = finished(runs)
    losses = counted[counted["arm"].isin(eligible)].pivot(index="seed", columns="arm", values="loss/val")
    shared = losses.dropna()
    means = (losses if shared.empty else shared).mean()
    return min(eligible, key=lambda label: means.get(label, float("inf")))


def _failed(runs: pd.DataFrame, arm: str) -> int:
    of_arm = runs[runs["arm"] == arm]
    return of_arm["seed"].nunique() - finished(of_arm)["seed"].nunique()


def _unregularized(arms: Sequence[str]) -> str:
    return next((arm for arm in arms if arm.split(" ")[0] == "none"), arms[0])


def _sweeps(folders: Sequence[str | Path], complaints: list[str]) -> list[studies.Sweep]:
    """What was asked for in these folders; none where one of them doesn't tell, so that nothing is left out."""
    found = []
    for folder in folders:
        path = Path(folder) / studies.ASKED
        if not path.is_file():
            return []
        try:
            found.append(studies.Sweep.read(path))
        except ConfigError as error:
            complaints.append(f"{error}; all results there are shown")
            return []
    return found


def _kind(result: dict[str, Any], arm: str) -> str:
    """What two arms have in common that differ only in strengths."""
    config = _decided(result)
    if not config:
        return arm
    return " ".join(
        f"{key}={shown(bool(value) if key in STRONG else value)}" for key, value in config.items() if key != "seed"
    )


def _run_row(result: dict[str, Any], label: str) -> dict[str, Any]:
    metrics, weights = result["metrics"], result.get("weights") or {}
    figures = {name: _number(metrics.get(name)) for name in sorted(metrics)}
    decided, dataset = _decided(result), result["config"].get("dataset", {})
    train, test = (_number(metrics.get(f"accuracy/{part}")) for part in ("train", "test"))
    return {
        "arm": label,
        "seed": result["seed"],
        "status": result["status"],
        "dataset": dataset.get("name"),
        "data": _data(result),
        "overlap": _overlap(dataset),
        "run_id": result["run_id"],
        **{name: _number(decided.get(key, 0)) for key, name in STRONG.items()},
        **dict.fromkeys(FIGURES, float("nan")),
        **figures,
        "gap": train - test,
        **{name: _number(weights.get(name)) for name in ("near_zeros", "zeros", "l1_norm", "l2_norm")},
        **{name: _number(result.get(name)) for name in ("epochs", "best_epoch", "stopped_epoch", "seconds")},
        "error": result.get("error"),
        "folder": result["folder"],
    }


def _decided(result: dict[str, Any]) -> dict[str, Any]:
    """What decides a run's result, by key; nothing of a run that could not be composed."""
    return decisive(result["config"]) if result["config"] else {}


def _overlap(dataset: dict[str, Any]) -> float:
    """Test samples per training sample where every seed has a split of its own, else 0."""
    test = _number(dataset.get("test_fraction"))
    if dataset.get("split_seed", 0) is not None or not test > 0:
        return 0.0
    return test / (1 - test - _number(dataset["val_fraction"]))


def _data(result: dict[str, Any]) -> str:
    """What two runs must have in common for their figures to be compared."""
    return ", ".join(f"{key}={shown(value)}" for key, value in _decided(result).items() if key.startswith("dataset."))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _named(results: Sequence[dict[str, Any]], study_arms: Mapping[str, str]) -> list[str]:
    """An arm's name for every result: what regularizes it, where that says all; else the study's name for it."""
    plain = _labels(results)
    labels = list(plain)
    for name in set(study_arms.values()):
        own = [i for i, result in enumerate(results) if study_arms.get(result["run_id"]) == name]
        within = _labels([results[i] for i in own])  # what tells apart the settings of this arm
        for i, label in zip(own, within, strict=True):
            if labels[i] != results[i]["arm"]:
                labels[i] = name + label.removeprefix(results[i]["arm"])
    # A name that is already that of other settings would make one arm of two.
    return labels if len(set(zip(labels, plain, strict=True))) == len(set(labels)) else plain


def _labels(results: Sequence[dict[str, Any]]) -> list[str]:
    """An arm's name for every result, the same for results whose configs differ only in their seed.

    Where configs that differ have the same name (a sweep over the learning rate, say), the keys in which
    they differ are added to it.
    """
    configs = [_decided(result) for result in results]
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
