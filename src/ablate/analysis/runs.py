"""The table of runs: results as a data frame, a row a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ablate import regularizers
from ablate.analysis.labels import code, decided, named
from ablate.config.identity import data_settings
from ablate.utils.text import shown

# What is told of an arm beside its verdict: means over the seeds.
FIGURES = ("loss/test", "accuracy/test", "loss/val", "accuracy/val", "loss/train", "gap", "near_zeros", "zeros",
           "l2_norm", "epochs", "best_epoch", "stopped_epoch", "seconds")  # fmt: skip
# Whatever else the table has beside figures and strengths.
COLUMNS = ("arm", "seed", "status", "dataset", "data", "overlap", "test_samples", "majority", "run_id", "l1_norm",
           "error", "folder")  # fmt: skip


def strength_columns(results: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Where a config says how strongly it regularizes, and the column of that name, which every table of runs has.

    A regularizer of one's own need not be known here: the results tell. Where another column has its name, its own is
    `regularizer.<name>`.
    """
    known = {"model.dropout": "dropout", "model.input_dropout": "input_dropout", "early_stopping.patience": "patience"}
    results = list(results)
    own = {name for result in results for name in result["config"].get("regularizer", {}) if name != "layers"}
    names = sorted(own | {*regularizers.names()})
    taken = {*COLUMNS, *FIGURES, *(name for result in results for name in result["metrics"])}
    columns = {f"regularizer.{name}": name for name in names if name not in known.values()}
    return known | {key: key if name in taken else name for key, name in columns.items()}


def collect(results: Sequence[dict[str, Any]], study_arms: Mapping[str, str]) -> pd.DataFrame:
    """Results as a table, a row a run: arm, seed, status, error, folder, every figure.

    data: what two runs must have in common to be compared; overlap: test samples per training sample where every seed
    has a split of its own, else 0; test_samples: how many; majority: test accuracy of always naming the class that is
    most frequent in the training part. NaN where a result doesn't tell.

    study_arms: the study's name for the arm of a run, by its run_id.
    """
    strengths, labels = strength_columns(results), named(results, study_arms)
    runs = pd.DataFrame([_run_row(result, label, strengths) for result, label in zip(results, labels, strict=True)])
    # A run that could not be composed is a row beside those that could.
    composed = runs["dataset"].notna()
    for name, nothing in (("dataset", "no data"), ("data", ""), ("overlap", 0.0)):
        runs.loc[~composed, name] = runs.loc[composed, name].iloc[0] if composed.any() else nothing
    return runs


def finished(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that count: one of each arm and seed."""
    return runs[runs["status"] == "finished"].drop_duplicates(["arm", "seed"], keep="last")


def kind(result: dict[str, Any], arm: str, strengths: Collection[str]) -> str:
    """What two arms have in common that differ only in strengths: keys of a config, and code."""
    config = decided(result)
    if not config:
        return arm
    said = {key: bool(value) if key in strengths else value for key, value in config.items() if key != "seed"}
    words = [f"{key}={shown(value)}" for key, value in said.items()]
    return " ".join([*words, *(f"{module}@{digest}" for module, digest in code(result).items())])


def _run_row(result: dict[str, Any], label: str, strengths: Mapping[str, str]) -> dict[str, Any]:
    metrics, weights = result["metrics"], result.get("weights") or {}
    figures = {name: _number(metrics.get(name)) for name in sorted(metrics)}
    decides, dataset, samples = decided(result), result["config"].get("dataset", {}), result.get("samples") or {}
    train, test = (_number(metrics.get(f"accuracy/{part}")) for part in ("train", "test"))
    return {
        "arm": label,
        "seed": result["seed"],
        "status": result["status"],
        "dataset": dataset.get("name"),
        "data": data_settings(result["config"]) if result["config"] else "",
        "overlap": _overlap(dataset),
        "test_samples": _number(samples.get("test")),
        "majority": _number(samples.get("majority")),
        "run_id": result["run_id"],
        **{name: _number(decides.get(key, 0)) for key, name in strengths.items()},
        **dict.fromkeys(FIGURES, float("nan")),
        **figures,
        "gap": train - test,
        **{name: _number(weights.get(name)) for name in ("near_zeros", "zeros", "l1_norm", "l2_norm")},
        **{name: _number(result.get(name)) for name in ("epochs", "best_epoch", "stopped_epoch", "seconds")},
        "error": result.get("error"),
        "folder": result["folder"],
    }


def _overlap(dataset: dict[str, Any]) -> float:
    """Test samples per training sample where every seed has a split of its own, else 0."""
    test = _number(dataset.get("test_fraction"))
    if dataset.get("split_seed", 0) is not None or not test > 0:
        return 0.0
    return test / (1 - test - _number(dataset["val_fraction"]))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
