"""What tests share that is no fixture: training without files, files of runs without training, and readers of both."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from ablate.config.schema import Config
from ablate.preprocessing import splits
from ablate.preprocessing.samples import Split
from ablate.preprocessing.splits import split
from ablate.records.names import ASKED
from ablate.records.sweeps import Asked, Sweep
from ablate.training.dense import Dense
from ablate.training.engine import Row, train
from ablate.training.functional import Vmapped
from ablate.training.parameters import Parameters, layout
from ablate.training.stack import Stack

if TYPE_CHECKING:
    from selenium import webdriver

ROOT = Path(__file__).parents[1]
MNIST = ROOT.parent / "shared" / "data"  # a folder that holds MNIST/raw, where there is one

# The notes' example of back-propagation, worked out with 15 decimals.
EXACT = {
    "net3": 0.755, "y3": 0.680267196698649,
    "net4": 0.68, "y4": 0.663738697404353,
    "net5": 0.801444986673512, "y5": 0.690283492907644,
    "δ5": -0.040681125112339, "δ3": -0.002654489030885, "δ4": -0.008171645064130,
    "new w35": 0.272325965061282, "new w45": 0.872998363008993,
    "new w13": 0.099070928839190, "new w23": 0.797610959872204,
    "new w14": 0.397139924227555, "new w24": 0.592645519442283,
    "new y5": 0.682018583264294,
    "E": 0.018103903836567, "new E": 0.016565382326770,
}  # fmt: skip


def slow_ones(cases: Iterable[Any], slow: Container[Any]) -> list[Any]:
    """Cases for `parametrize`, of which some are marked as slow."""
    wrapped = {case: case if isinstance(case, tuple) else (case,) for case in cases}
    return [pytest.param(*wrapped[case], marks=pytest.mark.slow) if case in slow else case for case in wrapped]


def ablate(*arguments: str, script: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m ablate ARGUMENTS`, or a script with them, in a process of its own."""
    command = [str(script)] if script else ["-m", "ablate"]
    return subprocess.run([sys.executable, *command, *arguments], capture_output=True, text=True, check=False)


def parts(config: Config) -> Split:
    """The samples of a run."""
    return split(config.dataset, config.split_seed, config.task)


def forget_splits() -> None:
    """As in a process that has made none yet."""
    for known in (splits._facts, splits._kept, splits._used):
        known.clear()  # type: ignore[attr-defined]


def trained(configs: list[Config]) -> list[list[Row]]:
    """The rows of every run, trained in one stack."""
    rows: list[list[Row]] = [[] for _ in configs]
    for epoch in train(configs):
        for row in epoch:
            rows[row.run].append(row)
    return rows


def figures(rows: list[Row]) -> list[dict[str, float]]:
    """All figures of a run but its time."""
    return [{name: value for name, value in row.figures.items() if name != "seconds"} for row in rows]


def stacked(
    make: Callable[[], nn.Module], kind: type[Dense | Vmapped], runs: int = 3
) -> tuple[list[nn.Module], Dense | Vmapped, dict[str, Tensor]]:
    """Models that differ in their weights alone, what runs them as a stack, and the gradients that it fills."""
    torch.manual_seed(0)
    models = [make() for _ in range(runs)]
    slots = layout(models[0])
    parameters = Parameters.of(models, slots)
    gradients = {slot.name: torch.full_like(slot.of(parameters.weights), 7.0) for slot in slots}
    return models, kind(models, list(range(runs)), parameters.views(slots), gradients), gradients


class AdamOfKeras(torch.optim.Optimizer):
    """Keras' Adam, by its formula."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float], eps: float) -> None:
        super().__init__(parameters, {"lr": lr})
        self.betas, self.eps, self.steps = betas, eps, 0

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        self.steps += 1
        beta1, beta2 = self.betas
        for group in self.param_groups:
            rate = group["lr"] * (1 - beta2**self.steps) ** 0.5 / (1 - beta1**self.steps)
            for w in group["params"]:
                state = self.state[w] or {"m": torch.zeros_like(w), "v": torch.zeros_like(w)}
                self.state[w] = state
                state["m"] += (w.grad - state["m"]) * (1 - beta1)
                state["v"] += (w.grad**2 - state["v"]) * (1 - beta2)
                w -= rate * state["m"] / (state["v"] ** 0.5 + self.eps)


class RMSpropOfKeras(torch.optim.Optimizer):
    """Keras' RMSprop, by its formula."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, rho: float, eps: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr})
        self.rho, self.eps, self.momentum = rho, eps, momentum

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for w in group["params"]:
                state = self.state[w] or {"v": torch.zeros_like(w), "moved": torch.zeros_like(w)}
                self.state[w] = state
                state["v"] += (w.grad**2 - state["v"]) * (1 - self.rho)
                state["moved"] *= self.momentum
                state["moved"] += group["lr"] * w.grad / (state["v"] + self.eps) ** 0.5
                w -= state["moved"]


def break_training(monkeypatch: pytest.MonkeyPatch, seed: int, epoch: int, error: BaseException) -> None:
    """Training raises in this epoch, wherever the run with this seed is."""
    train_epoch = Stack.train_epoch

    def breaks(self: Stack, now: int) -> None:
        if now == epoch and seed in [c.seed for c in self.configs]:
            raise error
        train_epoch(self, now)

    monkeypatch.setattr(Stack, "train_epoch", breaks)


# The config of a run without training, with all that tables and reports look at.
BASE = {
    "device": "cpu",
    "dataset": {"name": "digits", "root": "a"},
    "model": {"name": "mlp", "dropout": 0.0},
    "regularizer": {"layers": "all", "dropout": 0.0, "l1": 0.0},
    "early_stopping": {"patience": None, "restore_best_weights": False},
    "optimizer": {"lr": 0.001},
}
L1 = {"regularizer": BASE["regularizer"] | {"l1": 1e-4}}
EVIL = '<script>alert(1)</script>$x_1$ & "q" \''  # a name that would run as a script


def result(
    folder: Path,
    arm: str,
    seed: int,
    accuracy: float,
    status: str = "finished",
    loss: float = 0.2,
    origin: dict[str, object] | None = None,
    **changed: object,
) -> None:
    """The result.json of a run, with these figures; changed: keys of its config; origin: None where it doesn't tell."""
    config = BASE | {"seed": seed} | changed
    metrics = {"loss/train": 0.1, "loss/val": loss, "accuracy/train": 1.0, "accuracy/test": accuracy}
    content = {
        "status": status,
        "run_id": f"{arm}{seed}",
        "arm": arm,
        "seed": seed,
        "config": config,
        "metrics": metrics if status != "failed" else {},
        "weights": {"near_zeros": 0.25, "l2_norm": 3.0},
        "epochs": 10,
        "seconds": 1.5,
        "error": None if status == "finished" else "loss/train is nan in epoch 3",
    }
    if origin is not None:
        content["origin"] = {"data": "", "device": "cpu", "training": 1} | origin
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(content))


def leave(
    folder: Path, arm: str, seed: int, l1: float = 0.0, status: str = "finished", epochs: int = 8, **changed: object
) -> None:
    """The files of a run, as a recorder would have left them."""
    folder.mkdir(parents=True)
    random = np.random.default_rng([seed, int(l1 * 1e6)])
    loss = 1 / np.arange(1, epochs + 1) + random.uniform(0, 0.02, epochs)
    history = pd.DataFrame({"loss/train": loss / 2, "accuracy/train": 1 - loss / 3, "loss/val": loss})
    history["accuracy/val"] = 1 - loss / 2
    history.index = pd.RangeIndex(1, epochs + 1, name="epoch")
    history.to_csv(folder / "history.csv")
    save_file(
        {"0.weight": random.normal(size=(8, 4)).astype(np.float32), "0.bias": np.ones(8, np.float32)},
        folder / "model.safetensors",
    )
    metrics = {**history.iloc[-1].to_dict(), "loss/test": 0.2, "accuracy/test": 0.9 + l1 + random.uniform(0, 0.02)}
    content = {
        "status": status,
        "run_id": f"{arm}{seed}",
        "arm": arm,
        "seed": seed,
        "config": BASE | {"seed": seed, "regularizer": BASE["regularizer"] | {"l1": l1}},
        "metrics": metrics if status == "finished" else {},
        "weights": {"near_zeros": 0.1 + l1, "l2_norm": 3.0} if status == "finished" else {},
        "epochs": epochs,
        "best_epoch": epochs - 1,
        "stopped_epoch": None,
        "seconds": 1.5,
        "error": None if status == "finished" else f"loss/train is nan {EVIL}",
        "versions": {"torch": "1.2.3"},
        "machine": {"cpu": "Abacus", "cores": 2, "platform": "Beads-1"},
    }
    (folder / "result.json").write_text(json.dumps(content | changed))


def asked(folder: str) -> list[Asked]:
    """The runs that a sweep was asked for."""
    return Sweep.read(Path(folder, ASKED)).runs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def plain(text: str) -> str:
    """What a terminal shows of a text with colours and links."""
    return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|\]8;[^\x1b]*\x1b\\)", "", text)


def shown(folder: Path) -> EventAccumulator:
    """What TensorBoard reads of a folder, or of one event file."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    events.Reload()
    return events


def text(events: EventAccumulator, tag: str) -> str:
    return events.Tensors(f"{tag}/text_summary")[-1].tensor_proto.string_val[0].decode()


def resize(browser: webdriver.Chrome, width: int, height: int = 800) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
