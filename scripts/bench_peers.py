"""The jobs of bench.py, done by other libraries, as their documentation does them; nothing is logged or saved.

python bench_peers.py lists the peers. python bench_peers.py PEER FOLDER reads a job that bench.py wrote, says
{"version": …} or {"skipped": reason} and then, for every number of epochs on standard input, {"seconds": …}:
a run's, or for the peers on MNIST an epoch's. Nothing here imports ablate: peers have an environment of their own.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
RUNS = 64  # of JAX vmap

Train = Callable[[int], int]  # trains for so many epochs; how many runs (on MNIST: epochs) that was


class Data:
    """x, y: the training part, float32 [n, features] and int64 [n]; val: the validation part."""

    def __init__(self, folder: Path) -> None:
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        self.widths, self.batch, self.arms = job["widths"], job["batch"], job["arms"]
        read = lambda name: (np.load(folder / f"x_{name}.npy"), np.load(folder / f"y_{name}.npy"))  # noqa: E731
        (self.x, self.y), self.val = read("train"), read("val")


def perceptron(widths: list[int]) -> Any:
    from torch import nn

    layers = [layer for i, o in pairwise(widths[:-1]) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(*widths[-2:]))


def lightning(data: Data) -> Train:
    """A LightningModule whose validation step works out loss and accuracy; DataLoaders as they come."""
    import lightning as lt
    import torch
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader, TensorDataset

    class Module(lt.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = perceptron(data.widths)

        def training_step(self, batch: Any, _: int) -> Any:
            return cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> Any:
            out = self.net(batch[0])
            return {"loss": cross_entropy(out, batch[1]), "accuracy": (out.argmax(1) == batch[1]).float().mean()}

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters())

    parts = [TensorDataset(*map(torch.from_numpy, part)) for part in ((data.x, data.y), data.val)]
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")

    def train(epochs: int) -> int:
        loaders = [DataLoader(part, data.batch, shuffle=i == 0) for i, part in enumerate(parts)]
        trainer = lt.Trainer(max_epochs=epochs, accelerator="cpu", **dict.fromkeys(quiet, False))
        trainer.fit(Module(), *loaders)
        return 1

    return train


def skorch(data: Data) -> Train:
    from skorch import NeuralNetClassifier
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split
    from torch import nn, optim

    def train(epochs: int) -> int:
        options = {"lr": 1e-3, "batch_size": data.batch, "iterator_train__shuffle": True, "verbose": 0}
        held_out = predefined_split(Dataset(*data.val))
        net = NeuralNetClassifier(
            partial(perceptron, data.widths),
            criterion=nn.CrossEntropyLoss,
            optimizer=optim.Adam,
            max_epochs=epochs,
            train_split=held_out,
            **options,
        )
        net.fit(data.x, data.y)
        return 1

    return train


def _keras(backend: str, data: Data) -> Any:
    os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras

    model = keras.Sequential([keras.Input((data.widths[0],))])
    for width in data.widths[1:-1]:
        model.add(keras.layers.Dense(width, activation="relu"))
        if len(data.arms) == 1:
            model.add(keras.layers.Dropout(data.arms[0]["dropout"]))
    model.add(keras.layers.Dense(data.widths[-1]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    fit = partial(model.fit, data.x, data.y, batch_size=data.batch, validation_data=data.val, verbose=0)
    return keras, fit


def keras(backend: str, data: Data) -> Train:
    """compile and fit of a new model for every run, tracing included: that is what a run of a sweep does."""

    def train(epochs: int) -> int:
        module, fit = _keras(backend, data)
        fit(epochs=epochs)
        module.utils.clear_session()
        return 1

    return train


def keras_epoch(backend: str, data: Data) -> Train:
    """One epoch of a model that has been traced; the epochs asked for are those of the other job."""
    _, fit = _keras(backend, data)

    def train(_: int) -> int:
        fit(epochs=1)
        return 1

    return train


def scikit_learn(data: Data) -> Train:
    """MLPClassifier, a run a process; it works out the training loss only."""
    from joblib import Parallel, delayed
    from sklearn.neural_network import MLPClassifier

    def train(epochs: int) -> int:
        options = {"alpha": 0.0, "batch_size": data.batch, "tol": 0.0, "n_iter_no_change": epochs + 1}
        hidden = tuple(data.widths[1:-1])
        nets = [MLPClassifier(hidden, max_iter=epochs, random_state=seed, **options) for seed in range(2 * CORES)]
        Parallel(n_jobs=CORES)(delayed(net.fit)(data.x, data.y) for net in nets)
        return len(nets)

    return train


def jax_vmap(data: Data) -> Train:
    """An epoch jitted and mapped over the runs of all arms; loss and accuracy of both parts after each."""
    import jax
    import jax.numpy as jnp

    x, y, val_x, val_y = (jnp.asarray(array) for array in (data.x, data.y, *data.val))
    whole = len(x) // data.batch * data.batch
    names = ("l1", "l2", "dropout")
    arms = {name: jnp.array([data.arms[i % len(data.arms)][name] for i in range(RUNS)]) for name in names}

    def start(key: Any) -> Any:
        draw = lambda key, i, *shape: jax.random.uniform(key, shape, minval=-1, maxval=1) / i**0.5  # noqa: E731
        keys = jax.random.split(key, 2 * len(data.widths))
        layers = [
            (draw(keys[2 * n], i, i, o), draw(keys[2 * n + 1], i, o)) for n, (i, o) in enumerate(pairwise(data.widths))
        ]
        zeros = jax.tree.map(jnp.zeros_like, layers)
        return layers, zeros, zeros, 0

    def logits(layers: Any, x: Any, key: Any, p: Any) -> Any:
        for w, b in layers[:-1]:
            x = jax.nn.relu(x @ w + b)
            if key is not None:
                key, mine = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(mine, 1 - p, x.shape), x / (1 - p), 0)
        return x @ layers[-1][0] + layers[-1][1]

    def loss(out: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], 1).mean()

    def objective(layers: Any, x: Any, y: Any, key: Any, arm: Any) -> Any:
        penalty = sum(arm["l1"] * jnp.abs(w).sum() + arm["l2"] * jnp.square(w).sum() for w, _ in layers)
        return loss(logits(layers, x, key, arm["dropout"]), y) + penalty

    def step(arm: Any, state: Any, batch: Any) -> Any:
        layers, mean, square, t = state
        gradient = jax.grad(objective)(layers, *batch, arm)
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
        move = lambda w, m, s: w - 1e-3 * m / (1 - 0.9 ** (t + 1)) / (jnp.sqrt(s / (1 - 0.999 ** (t + 1))) + 1e-8)  # noqa: E731
        return (jax.tree.map(move, layers, mean, square), mean, square, t + 1), None

    def epoch(state: Any, key: Any, arm: Any) -> Any:
        order_key, key, last_key = jax.random.split(key, 3)
        order = jax.random.permutation(order_key, len(x))
        rows = order[:whole].reshape(-1, data.batch)
        keys = jax.random.split(key, len(rows))
        advance = partial(step, arm)
        state, _ = jax.lax.scan(lambda s, b: advance(s, (x[b[0]], y[b[0]], b[1])), state, (rows, keys))
        if whole < len(x):
            state, _ = advance(state, (x[order[whole:]], y[order[whole:]], last_key))
        outs = [(logits(state[0], x, None, 0.0), y), (logits(state[0], val_x, None, 0.0), val_y)]
        return state, [(loss(out, y), (out.argmax(1) == y).mean()) for out, y in outs]

    every = jax.jit(jax.vmap(epoch), donate_argnums=0)

    def train(epochs: int) -> int:
        state = jax.jit(jax.vmap(start))(jax.random.split(jax.random.key(0), RUNS))
        for n in range(epochs):
            state, figures = every(state, jax.random.split(jax.random.key(n + 1), RUNS), arms)
            jax.device_get(figures)
        return RUNS

    return train


PEERS: dict[str, tuple[Callable[[Data], Train], str, str]] = {  # what it does, which package it is, on which job
    "Lightning": (lightning, "lightning", "digits"),
    "skorch": (skorch, "skorch", "digits"),
    "Keras on TensorFlow": (partial(keras, "tensorflow"), "tensorflow", "digits"),
    "Keras on JAX": (partial(keras, "jax"), "keras", "digits"),
    "scikit-learn, a process a core": (scikit_learn, "scikit-learn", "digits"),
    f"JAX vmap, {RUNS} runs": (jax_vmap, "jax", "digits"),
    "Keras on JAX, MNIST": (partial(keras_epoch, "jax"), "keras", "mnist"),
}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main(peer: str, folder: Path) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    work, package, job = PEERS[peer]
    try:
        said = version(package)
    except PackageNotFoundError:
        return say(skipped=f"{package} is not installed")
    if not (folder / job).is_dir():
        return say(skipped=f"no data of {job}")
    try:
        train = work(Data(folder / job))
        train(1)
    except Exception as error:
        return say(skipped=f"{type(error).__name__}: {error}")
    say(version=said)
    for line in sys.stdin:
        start = time.perf_counter()
        units = train(int(line))
        say(seconds=(time.perf_counter() - start) / units)
    return None


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1], Path(sys.argv[2]))
    else:
        print("\n".join(PEERS))
