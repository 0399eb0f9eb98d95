"""The pages of scripts/effects.py: comparisons in; figures, tables and plots out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from safetensors.numpy import load_file

import effects_plots as plots
from ablate.analysis.comparison import Comparison
from ablate.analysis.runs import finished
from ablate.records.names import WEIGHTS
from ablate.records.results import history
from ablate.report.text import sentences
from ablate.report.units import Unit, p_value


@dataclass(frozen=True)
class Made:
    """What a page's text needs, by name, and its plots, by the name of their file."""

    values: dict[str, Any]
    plots: dict[str, Figure]


# The strengths whose weights are shown: strong ones, before accuracy breaks down.
SHOWN = {"none": "none", "l2": "l2=0.01", "l1": "l1=1e-3", "l1_proximal": "l1_proximal=0.2"}


def weights(comparisons: dict[str, Comparison]) -> Made:
    runs = finished(comparisons["weights"].runs)
    shown = {kind: runs[runs["arm"] == arm] for kind, arm in SHOWN.items()}
    pooled = {kind: _weights(own["folder"]) for kind, own in shown.items()}
    rows = [
        [
            plots.NAMES[kind],
            SHOWN[kind].partition("=")[2],
            _percent(own["zeros"].mean()),
            _percent(own["near_zeros"].mean()),
            f"{own['l2_norm'].mean():.1f}",
            f"{np.abs(pooled[kind]).max():.2f}",
            _spread(own["accuracy/test"]),
        ]
        for kind, own in shown.items()
    ]
    headings = ["regularizer", "λ", "exactly 0", "below 0.001", "√Σw²", "largest weight", "test accuracy, %"]
    strengths = comparisons["weights"].strengths
    of_all = {kind: _weights(runs[runs[kind] > 0]["folder"]) for kind in ("l1", "l2")}
    values = {
        "table": _table(headings, rows),
        "arms": SHOWN,
        "zeros": {kind: _percent(own["zeros"].mean()) for kind, own in shown.items()},
        "near_zeros": {kind: _percent(own["near_zeros"].mean()) for kind, own in shown.items()},
        "cut_off": _percent(_of_units_cut_off(shown["l2"]["folder"]), 0),
        "zeros_ever": {kind: f"{(own == 0).sum():,} of {len(own):,}" for kind, own in of_all.items()},
    }
    curves = {kind: strengths[strengths["study_arm"] == kind] for kind in SHOWN if kind != "none"}
    return Made(
        values,
        {"weights": plots.histograms(pooled), "weights-strengths": plots.sparsity(curves, shown["none"])},
    )


def dropout(comparisons: dict[str, Comparison]) -> Made:
    comparison = comparisons["dropout"]
    runs = finished(comparison.runs)
    runs = runs.assign(points=100 * (runs["accuracy/train"] - runs["accuracy/val"]))
    rows = [
        [
            f"{p:g}",
            _spread(of_p["accuracy/train"]),
            _spread(of_p["accuracy/val"]),
            _spread(of_p["points"], 1),
            _spread(of_p["loss/train"], 1, 3),
            _spread(of_p["loss/val"], 1, 3),
            _spread(of_p["accuracy/test"]),
        ]
        for p, of_p in runs.groupby("dropout")
    ]
    headings = [
        "p",
        "training accuracy, %",
        "validation accuracy, %",
        "gap, points",
        "training loss",
        "validation loss",
    ]
    means = runs.groupby("dropout")[["accuracy/train", "accuracy/test", "points", "loss/val"]].mean()
    of_interest = {"none": means.index[0], "best": means["loss/val"].idxmin(), "last": means.index[-1]}
    values = {
        "table": _table([*headings, "test accuracy, %"], rows),
        "verdicts": verdicts(comparison),
        "sentences": sentences(comparison),
        "p": {which: f"{p:g}" for which, p in of_interest.items()},
        "means": {which: dict(means.loc[p]) for which, p in of_interest.items()},
    }
    return Made(values, {"dropout": plots.over_dropout(runs)})


def early_stopping(comparisons: dict[str, Comparison]) -> Made:
    runs = finished(comparisons["early_stopping"].runs).set_index("seed").sort_index()
    whole, stopped = (runs[(runs["arm"] == "none") == unstopped] for unstopped in (True, False))
    curves = {seed: history(Path(folder)) for seed, folder in whole["folder"].items()}
    rows = [
        [
            str(seed),
            f"{stopped['best_epoch'][seed]:.0f}",
            f"{stopped['epochs'][seed]:.0f}",
            f"{stopped['loss/val'][seed]:.4f}",
            f"{whole['loss/val'][seed]:.4f}",
            f"{whole['loss/train'][seed]:.4f}",
            f"{100 * stopped['accuracy/val'][seed]:.1f}",
            f"{100 * stopped['accuracy/test'][seed]:.1f}",
            f"{100 * whole['accuracy/test'][seed]:.1f}",
        ]
        for seed in stopped.index.intersection(whole.index)
    ]
    epochs = int(whole["epochs"].max())
    headings = [
        "seed",
        "best epoch",
        "stopped at",
        "validation loss kept",
        f"validation loss at {epochs}",
        f"training loss at {epochs}",
        "validation accuracy kept, %",
        "test accuracy kept, %",
        f"test accuracy at {epochs}, %",
    ]
    values = {
        "table": _table(headings, rows),
        "epochs": epochs,
        "stops": f"{stopped['epochs'].min():.0f} to {stopped['epochs'].max():.0f}",
        "stopped": f"{stopped['stopped_epoch'].count()} of {len(stopped)}",
        "trained": _percent(stopped["epochs"].sum() / whole["epochs"].sum(), 0),
        "kept": {part: f"{stopped[f'loss/{part}'].mean():.4f}" for part in ("train", "val", "test")},
        "whole": {part: f"{whole[f'loss/{part}'].mean():.4f}" for part in ("train", "val", "test")},
        "accuracy": {
            "train": _spread(whole["accuracy/train"], digits=1),
            "val": _spread(stopped["accuracy/val"], digits=1),
            "test": _spread(stopped["accuracy/test"], digits=1),
            "test_whole": _spread(whole["accuracy/test"], digits=1),
        },
        "half": f"{np.log(2):.4f}",
        "sentences": sentences(comparisons["early_stopping"]),
    }
    return Made(values, {"early-stopping": plots.stopping(curves, stopped)})


def when_it_helps(comparisons: dict[str, Comparison]) -> Made:
    values: dict[str, Any] = {
        name: {"verdicts": verdicts(comparison), "sentences": sentences(comparison)}
        | {word: list(comparison.arms["arm"][comparison.arms["verdict"] == word]) for word in ("better", "worse")}
        | {"gap": f"{100 * comparison.arms.set_index('arm')['gap'][comparison.arms['baseline'].iloc[0]]:.1f}"}
        for name, comparison in comparisons.items()
    }
    arms = {f"study={name} ({c.runs['dataset'].iloc[0]})": c.arms for name, c in comparisons.items()}
    return Made(values, {"when-it-helps": plots.differences(arms)})


def verdicts(comparison: Comparison) -> str:
    """The arms against their baseline, as the comparison judges them."""
    rows, unit = [], Unit("accuracy/test")
    for arm in comparison.arms.to_dict("records"):
        cells = [f"`{arm['arm']}`", f"{arm['loss/test']:.3f}", f"{100 * arm['mean']:.2f} ± {100 * arm['sd']:.2f}"]
        if arm["arm"] == arm["baseline"]:
            rows.append([*cells, "", "", "", "", "baseline"])
            continue
        low, high = (unit.value(arm[f"difference_{end}"], True) for end in ("low", "high"))
        cells += [unit.value(arm["difference"], True), f"{low} to {high}" if low else ""]
        cells.append("" if pd.isna(arm["p_holm"]) else p_value(arm["p_holm"]))
        rows.append([*cells, unit.value(arm["detectable"]), f"**{arm['verdict']}**"])
    headings = ["arm", "test loss", "test accuracy, %", "difference, points", "95 % interval", "p, Holm"]
    return _table([*headings, "could detect, points", "verdict"], rows)


def _kernels(folder: str) -> list[np.ndarray]:
    """The kernels of a run, by layer."""
    tensors = load_file(Path(folder) / WEIGHTS)
    return [tensor for name, tensor in tensors.items() if name.endswith(".weight") and tensor.ndim > 1]


def _weights(folders: Iterable[str]) -> np.ndarray:
    """All kernels of these runs, [weights]."""
    return np.concatenate([kernel.ravel() for folder in folders for kernel in _kernels(folder)])


def _of_units_cut_off(folders: Iterable[str]) -> float:
    """Of the weights below 0.001, the share that lead to or from units of which nearly all of either side are.

    Of multilayer perceptrons, whose kernels are [units, inputs] and stand in the order of their layers.
    """
    small_ones = with_units = 0
    for folder in folders:
        small = [np.abs(kernel) < 1e-3 for kernel in _kernels(folder)]
        cut = [(into.mean(1) > 0.9) | (out.mean(0) > 0.9) for into, out in pairwise(small)]
        nothing = [np.zeros(small[0].shape[1], bool), np.zeros(small[-1].shape[0], bool)]
        for layer, (before, after) in zip(small, pairwise([nothing[0], *cut, nothing[1]]), strict=True):
            small_ones += layer.sum()
            with_units += (layer & (after[:, None] | before[None, :])).sum()
    return float(with_units / max(small_ones, 1))


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first are figures."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _spread(values: pd.Series, scale: float = 100, digits: int = 2) -> str:
    return f"{scale * values.mean():.{digits}f} ± {scale * values.std(ddof=1):.{digits}f}"


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
