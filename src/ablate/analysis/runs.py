"""The table of runs: results as a data frame, a row a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ablate import regularizers
from ablate.analysis.labels import code, datasets, decided, named, samples
from ablate.analysis.subject import Subject
from ablate.records.schema import METRIC
from ablate.utils.text import shown

# What is told of an arm beside its verdict: means over the seeds.
FIGURES = ("loss/test", "loss/val", "loss/train", "gap", "near_zeros", "zeros", "l2_norm", "epochs", "best_epoch",
           "stopped_epoch", "seconds")  # fmt: skip
# Whatever else the table has beside figures and strengths; the first are for the comparison alone.
INNER = ("data", "overlap", "subject")
COLUMNS = (*INNER, "arm", "seed", "status", "dataset", "test_samples", "run_id", "l1_norm", "error", "folder")


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

    dataset: what its data are called; data: what two runs must have in common to be compared; overlap: test samples per
    training sample where every seed has a split of its own, else 0; subject: what it was trained on and with;
    test_samples: how many, NaN where a result doesn't tell; gap: how much worse it is in test than in training, by
    accuracy or else by RMSE.

    study_arms: the study's name for the arm of a run, by its run_id.
    """
    strengths, data = strength_columns(results), samples(results)
    each = zip(results, named(results, study_arms, data), data, datasets(results, data), strict=True)
    rows = [_run_row(result, label, on, strengths) for result, label, *on in each]
    runs = pd.DataFrame(rows, dtype=object)  # pandas' own text, where it is pyarrow's, can't hold every file name
    kinds = {name: {type(value) for value in runs[name]} for name in runs}
    runs = runs.astype({name: float if float in of else int for name, of in kinds.items() if of <= {int, float}})
    # A run that could not be composed is a row beside those that could.
    composed = runs["dataset"].notna()
    for name, nothing in (("dataset", "no data"), ("data", ""), ("overlap", 0.0)):
        runs.loc[~composed, name] = runs.loc[composed, name].iloc[0] if composed.any() else nothing
    return runs


def figures(runs: pd.DataFrame) -> list[str]:
    """What is told of an arm beside its verdict: the metrics of its runs, and `FIGURES`."""
    metrics = [name for name in map(str, runs) if METRIC.fullmatch(name) and name.endswith(("/test", "/val"))]
    return list(dict.fromkeys([*metrics, *FIGURES]))


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


def _run_row(result: dict[str, Any], label: str, data: Sequence[str], strengths: Mapping[str, str]) -> dict[str, Any]:
    metrics, weights = result["metrics"], result.get("weights") or {}
    figures = {name: _number(metrics.get(name)) for name in sorted(metrics)}
    decides, dataset, subject = decided(result), result["config"].get("dataset", {}), Subject.of(result)
    return {
        "arm": label,
        "seed": result["seed"],
        "status": result["status"],
        "dataset": data[1] or None,
        "data": data[0],
        "overlap": _overlap(dataset, subject.rows),
        "subject": subject,
        "test_samples": _number(subject.rows.get("test")),
        "run_id": result["run_id"],
        **{name: _number(decides.get(key, 0)) for key, name in strengths.items()},
        **dict.fromkeys(FIGURES, float("nan")),
        **figures,
        "gap": _gap(metrics),
        **{name: _number(weights.get(name)) for name in ("near_zeros", "zeros", "l1_norm", "l2_norm")},
        **{name: _number(result.get(name)) for name in ("epochs", "best_epoch", "stopped_epoch", "seconds")},
        "error": result.get("error"),
        "folder": result["folder"],
    }


def _gap(metrics: Mapping[str, Any]) -> float:
    """How much worse the test part is than the training part, by the figure that every epoch has."""
    accuracy, rmse = (
        _number(metrics.get(f"{name}/train")) - _number(metrics.get(f"{name}/test")) for name in ("accuracy", "rmse")
    )
    return -rmse if pd.isna(accuracy) else accuracy


def _overlap(dataset: dict[str, Any], rows: Mapping[str, int]) -> float:
    """Test samples per training sample where every seed has a split of its own, else 0."""
    test = _number(dataset.get("test_fraction"))
    if dataset.get("split_seed", 0) is not None or not test > 0:
        return 0.0
    if rows.get("train") and rows.get("test"):  # what is left of the training part where dataset.samples cuts it
        return rows["test"] / rows["train"]
    return test / (1 - test - _number(dataset.get("val_fraction", 0.0)))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
