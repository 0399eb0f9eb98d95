"""Keras' own figures, as scripts/keras_parity.py recorded them: the notes' presets, optimizers and early stopping."""

from __future__ import annotations

import json
import runpy
from typing import Any

import numpy as np
import pytest
import torch

from ablate.config.schema import OPTIMIZERS, EarlyStopping
from ablate.training.early_stopping import Stopper
from ablate.training.optimizers import Updater
from helpers import ROOT

PARITY = runpy.run_path(str(ROOT / "scripts" / "keras_parity.py"))
RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (ROOT / "tests" / "scripts" / "keras_figures.json").read_text(encoding="utf-8")
)
each_preset = pytest.mark.parametrize("recorded", RECORDED["presets"], ids=lambda recorded: recorded["overrides"][0])


def differences(recorded, configured, seeds: int, epochs: int, *more: str) -> list[float]:
    """The largest relative difference from Keras of the first seeds, over the first epochs."""
    overrides = [*recorded["overrides"], f"trainer.epochs={epochs}", *more]
    ours = PARITY["of_ablate"]([configured(*overrides, f"seed={seed}") for seed in range(seeds)])
    theirs = [{name: column[:epochs] for name, column in of.items()} for of in recorded["seeds"]]
    return [PARITY["difference"](*both) for both in zip(ours, theirs, strict=False)]


@each_preset
def test_presets_begin_with_keras_figures(recorded, configured):
    assert max(differences(recorded, configured, 2, 1)) <= 1e-6


@pytest.mark.slow
@each_preset
def test_presets_have_keras_figures(recorded, configured):
    # Not all seeds can: in some, rounding decides the sign of a ReLU's input, and they go another way from there on.
    assert min(differences(recorded, configured, 4, PARITY["EPOCHS"])) <= 1e-5


@pytest.mark.parametrize(("preset", "optimizer"), [(1, "adam"), (2, "rmsprop")])
def test_pytorchs_place_of_epsilon_is_seen(preset, optimizer, configured):
    placed = (f"optimizer={optimizer}", "optimizer.eps=1e-7")
    assert min(differences(RECORDED["presets"][preset], configured, 2, 1, *placed)) > 1e-5


@pytest.mark.parametrize("recorded", RECORDED["optimizers"], ids=lambda recorded: recorded["optimizer"]["name"])
def test_optimizers_move_weights_as_keras_does(recorded):
    keys = recorded["optimizer"]
    config = OPTIMIZERS[keys["name"]](**keys)
    n = len(recorded["weights"][0])
    weights, gradients = torch.zeros(1, 64), torch.zeros(1, 64)
    updater = Updater([config], weights, gradients)
    for gradient, expected in zip(recorded["gradients"], recorded["weights"], strict=True):
        gradients[0, :n] = torch.tensor(gradient)
        updater.step()
        torch.testing.assert_close(weights[0, :n], torch.tensor(expected), rtol=2e-6, atol=0)


def test_early_stopping_stops_where_keras_does():
    for case in RECORDED["early_stopping"]:
        stopper = Stopper([EarlyStopping(monitor="loss/val", restore_best_weights=True, **case["settings"])])
        stopped = None
        for epoch, figure in enumerate(case["figures"], start=1):
            stopper.update(epoch, {"loss/val": np.array([figure])})
            if stopper.stopped[0]:
                stopped = epoch
                break
        assert (stopped, stopper.best_epoch[0]) == (case["stopped"], case["best"]), case
