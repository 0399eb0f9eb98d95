"""Do the notes' presets give the figures that Keras gives? It runs where Keras is installed beside ablate:

    python -m venv peers && peers/bin/pip install . keras tensorflow
    peers/bin/python scripts/keras_parity.py [--record FILE]

The notes' listings are built as they stand there, given the initial weights and the batches of ablate's presets, and
trained for 5 epochs, with 5 seeds. Prints validation loss (without the penalty) and penalty of both after every epoch
of the seed that agrees best, and the largest relative difference of every seed. The exit status is 1 where a preset
has no seed with at most 1e-5.

Not all seeds can have that: differences are about 1e-7, by rounding, until a ReLU's input or, with L1, a weight is so
near 0 that rounding decides its sign. From then on they are up to 1e-3, and between Keras on TensorFlow and Keras on
JAX too.
PyTorch's formulas are off with every seed, by 4e-4 and more, but on notes_early_stopping.

KERAS_BACKEND=jax or torch asks another engine. TensorFlow's takes losses by logits, as ablate does; the others clip
probabilities to 1e-7 … 1-1e-7, which shows where a sample is that sure.

--record writes Keras' figures, what its optimizers do with a few gradients, and where its EarlyStopping stops, for
tests/scripts/test_keras_parity.py.
"""
# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table

from ablate.config import checks, registration
from ablate.config.schema import Config
from ablate.preprocessing.splits import split
from ablate.training.engine import train
from ablate.training.stack import Stack

EPOCHS, SEEDS, TOLERANCE = 5, 5, 1e-5
FIGURES = ("loss/val", "penalty")
PRESETS: dict[str, list[str]] = {
    "notes_l1": [],
    "notes_l2": [],
    "notes_dropout": ["regularizer.dropout=0"],  # no two libraries draw the same masks
    "notes_early_stopping": [],
}
# For --record: gradients from far above ε to far below its root, so that its place shows.
GRADIENTS = [[10.0**-power * (1 + step * column) for column, power in enumerate((0, 2, 4, 6, 8))] for step in range(6)]
ADAM = {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.999, "epsilon": 1e-5}
RMSPROP = {"learning_rate": 0.01, "rho": 0.8, "epsilon": 1e-7}
OPTIMIZERS = [  # which it is here, its class in Keras and the arguments there
    ("adam_keras", "Adam", ADAM),
    ("rmsprop_keras", "RMSprop", RMSPROP | {"momentum": 0.0}),
    ("rmsprop_keras", "RMSprop", RMSPROP | {"momentum": 0.5}),
]
OURS = {"learning_rate": "lr", "beta_1": "beta1", "beta_2": "beta2", "rho": "alpha", "epsilon": "eps"}
STOPS = 60

Figures = dict[str, list[float]]  # of FIGURES, an entry an epoch


def main(record: Path | None) -> int:
    keras = _keras()
    presets: list[dict[str, Any]] = []
    worst = 0.0
    for preset, more in PRESETS.items():
        overrides = [f"experiment={preset}", *more, f"trainer.epochs={EPOCHS}", "device=cpu"]
        configs = [configured([*overrides, f"seed={seed}"]) for seed in range(SEEDS)]
        ours, theirs = of_ablate(configs), [of_keras(keras, preset, config) for config in configs]
        worst = max(worst, _show(preset, ours, theirs))
        presets.append({"overrides": overrides, "seeds": theirs})
    if record:
        kept = {
            "made by": [{"keras": keras.__version__, "backend": keras.backend.backend()}],
            "presets": presets,
            "optimizers": [stepped(keras, *rule) for rule in OPTIMIZERS],
            "early_stopping": list(stopped(keras)),
        }
        groups = (f'"{key}": [\n' + ",\n".join(map(json.dumps, items)) + "\n]" for key, items in kept.items())
        record.write_text("{\n" + ",\n".join(groups) + "\n}\n", encoding="utf-8")
    return int(worst > TOLERANCE)


def _keras() -> Any:
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ImportError as error:
        sys.exit(f"error: {error}: it goes with ablate into an environment of its own: pip install . keras {backend}")
    return keras


def configured(overrides: list[str]) -> Config:
    registration.register()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        return checks.check(compose("config", overrides))


def of_ablate(configs: list[Config]) -> list[Figures]:
    """The figures of every run."""
    found: list[Figures] = [{name: [] for name in FIGURES} for _ in configs]
    for epoch in train(configs):
        for row in epoch:
            for name in FIGURES:
                found[row.run][name].append(row.figures[name])
    return found


def of_keras(keras: Any, preset: str, config: Config) -> Figures:
    """The figures of the notes' listing, with the initial weights and the batches of this config."""
    stack, size = Stack([config]), config.trainer.batch_size
    start = [tensor.detach().numpy().T for tensor in stack.models[0].parameters()]
    model = listing(keras, preset, len(start[0]))
    model.set_weights(start)

    def given(x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        labels = y.flatten().numpy()
        return x.flatten(1).numpy(), labels[:, None] if stack.data.outputs == 1 else np.eye(stack.data.outputs)[labels]

    val = given(torch.from_numpy(np.asarray(split(config.dataset, config.split_seed).val.samples)), stack.data.y["val"])
    found: Figures = {name: [] for name in FIGURES}
    for epoch in range(1, EPOCHS + 1):
        batches = [(x[0], y[0, 0]) for x, y, _, _ in stack.data.batches([config.seed], epoch, size, pads=False)]
        x, y = given(*(torch.cat(tensors) for tensors in zip(*batches, strict=True)))
        fitted = model.fit(x, y, batch_size=size, shuffle=False, validation_data=val, verbose=0)
        found["loss/val"] += fitted.history[f"val_{model.loss}"]
        found["penalty"].append(float(sum(keras.ops.convert_to_numpy(penalty) for penalty in model.losses)))
    return found


def listing(keras: Any, preset: str, features: int) -> Any:
    """The notes' model, compiled with what they say and nothing else; the metric is the loss without the penalty."""
    dense, dropout = keras.layers.Dense, keras.layers.Dropout
    optimizer, loss = "adam", "categorical_crossentropy"
    if preset == "notes_early_stopping":
        loss = "binary_crossentropy"
        layers = [dense(64, activation="relu"), dense(1, activation="sigmoid")]
    elif preset == "notes_dropout":
        optimizer = "rmsprop"
        hidden = [layer for _ in range(2) for layer in (dense(512, activation="relu"), dropout(0.0))]
        layers = [*hidden, dense(10, activation="softmax")]
    else:
        penalty = {"notes_l1": keras.regularizers.l1, "notes_l2": keras.regularizers.l2}[preset](0.01)
        hidden = [dense(64, activation="relu", kernel_regularizer=penalty) for _ in range(2)]
        layers = [*hidden, dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input((features,)), *layers])
    model.compile(optimizer=optimizer, loss=loss, metrics=[loss])
    return model


def _show(preset: str, ours: list[Figures], theirs: list[Figures]) -> float:
    """Print the figures of the seed that agrees best, and the differences of all; the best one's."""
    differences = [difference(*both) for both in zip(ours, theirs, strict=True)]
    best = differences.index(min(differences))
    table = Table("epoch", *(f"{name}, {who}" for name in FIGURES for who in ("ablate", "Keras")), title=preset)
    for epoch in range(EPOCHS):
        cells = (f"{who[best][name][epoch]:.9f}" for name in FIGURES for who in (ours, theirs))
        table.add_row(str(epoch + 1), *cells)
    console = Console(width=100, highlight=False)
    console.print(table)
    each = ", ".join(f"{value:.1e}" for value in differences)
    console.print(
        f"{preset}: largest relative difference {differences[best]:.1e} (seed {best}; seeds from 0 on: {each})\n"
    )
    return differences[best]


def difference(ours: Figures, theirs: Figures) -> float:
    """The largest one of any figure in any epoch, relative to theirs."""
    pairs = [pair for name in FIGURES for pair in zip(ours[name], theirs[name], strict=True)]
    return max(abs(a - b) / abs(b) if a != b else 0.0 for a, b in pairs)


def stepped(keras: Any, name: str, kind: str, arguments: dict[str, float]) -> dict[str, Any]:
    """What an optimizer of Keras does with the gradients: the weights after every step, from 0 on."""
    optimizer = getattr(keras.optimizers, kind)(**arguments)
    weight = keras.Variable(np.zeros(len(GRADIENTS[0]), np.float32))
    weights = []
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        weights.append(keras.ops.convert_to_numpy(weight).tolist())
    keys = {"name": name} | {OURS.get(key, key): value for key, value in arguments.items()}
    return {"optimizer": keys, "gradients": GRADIENTS, "weights": weights}


def stopped(keras: Any) -> Iterator[dict[str, Any]]:
    """After which epoch Keras' callback stops, None if it doesn't, and which is the best, 0 if none; from 1 on.

    Of figures in tenths: with such a min_delta, many are ties.
    """
    random = Random(0)  # noqa: S311
    for case in range(STOPS):
        settings = {
            "mode": ("min", "max")[case % 2],
            "patience": random.randint(1, 3),
            "min_delta": random.choice([0.0, 0.1, 0.2]),
            "baseline": random.choice([None, 0.5]),
            "start_from_epoch": random.randint(0, 2),
        }
        figures = [random.randint(1, 9) / 10 for _ in range(8)]
        callback, model = keras.callbacks.EarlyStopping(monitor="figure", **settings), keras.Sequential()
        callback.set_model(model)
        callback.on_train_begin()
        model.stop_training, ended = False, None
        for epoch, figure in enumerate(figures, start=1):
            callback.on_epoch_end(epoch - 1, {"figure": float(np.float32(figure))})  # as its metrics are
            if model.stop_training:
                ended = epoch
                break
        best = 0 if callback.best is None else callback.best_epoch + 1
        yield {"settings": settings, "figures": figures, "stopped": ended, "best": best}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, metavar="FILE", help="write Keras' figures, for the test")
    sys.exit(main(parser.parse_args().record))
