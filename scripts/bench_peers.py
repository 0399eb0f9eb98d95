"""The jobs of bench.py done by other libraries, as their documentation does them; nothing is logged or saved.

python bench_peers.py lists the peers. python bench_peers.py PEER FOLDER reads a job that bench.py wrote, says
{"version": …} or {"skipped": reason} and then, for every number of epochs on standard input, {"seconds": …},
a run's (on MNIST: an epoch's). It runs in the peers' own environment, so it imports nothing of ablate.
"""
# mypy: disable-error-code="import-not-found, import-untyped"

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
        self.x, self.y, *self.val = (np.load(folder / f"{w}_{p}.npy") for p in ("train", "val") for w in "xy")


def perceptron(widths: list[int]) -> Any:
    from torch import nn

    layers = [layer for i, o in pairwise(widths[:-1]) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def lightning(data: Data) -> Train:
    """DataLoaders as they come; loss and accuracy of the validation part, nothing more of the training part."""
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
    off = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)

    def train(epochs: int) -> int:
        loaders = [DataLoader(part, data.batch, shuffle=part is parts[0]) for part in parts]
        lt.Trainer(max_epochs=epochs, accelerator="cpu", **off).fit(Module(), *loaders)
        return 1

    return train


def skorch(data: Data) -> Train:
    """Its default callbacks: loss and accuracy of the validation part, the running loss of the training part."""
    from skorch import NeuralNetClassifier
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split
    from torch import nn, optim

    options = {"optimizer": optim.Adam, "lr": 1e-3, "batch_size": data.batch, "iterator_train__shuffle": True}

    def train(epochs: int) -> int:
        options.update(train_split=predefined_split(Dataset(*data.val)), max_epochs=epochs, verbose=0)
        NeuralNetClassifier(perceptron(data.widths), criterion=nn.CrossEntropyLoss, **options).fit(data.x, data.y)
        return 1

    return train


def keras(data: Data, backend: str, traced: bool = False, judged: bool = False) -> Train:
    """compile and fit of a new model for every run, tracing included, as in a sweep.

    traced: one epoch of a model that has been traced, whatever number of epochs is asked for; judged: and loss and
    accuracy of the training part in eval mode too, which fit doesn't give: its figures of that part are running ones.
    """
    os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras

    def build() -> Any:
        model = keras.Sequential([keras.Input((data.widths[0],))])
        for width in data.widths[1:-1]:
            model.add(keras.layers.Dense(width, activation="relu"))
            if p := data.arms[0]["dropout"]:
                model.add(keras.layers.Dropout(p))
        model.add(keras.layers.Dense(data.widths[-1]))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
        return model

    once = build() if traced else None

    def train(epochs: int) -> int:
        options = {"batch_size": data.batch, "validation_data": tuple(data.val), "verbose": 0}
        model = once or build()
        model.fit(data.x, data.y, epochs=1 if once else epochs, **options)
        if judged:
            model.evaluate(data.x, data.y, batch_size=data.batch, verbose=0)
        return 1

    return train


def scikit_learn(data: Data) -> Train:
    """MLPClassifier, a run a process; it works out the running loss of the training part only."""
    from joblib import Parallel, delayed
    from sklearn.neural_network import MLPClassifier

    def train(epochs: int) -> int:
        options = {"alpha": 0.0, "batch_size": data.batch, "tol": 0.0, "n_iter_no_change": epochs + 1}
        nets = [MLPClassifier(data.widths[1:-1], max_iter=epochs, random_state=n, **options) for n in range(2 * CORES)]
        Parallel(n_jobs=CORES)(delayed(net.fit)(data.x, data.y) for net in nets)
        return len(nets)

    return train


def jax_vmap(data: Data) -> Train:
    """An epoch, jitted and mapped over runs of all arms; loss and accuracy of both parts after each."""
    import jax
    import jax.numpy as jnp

    x, y, val_x, val_y = (jnp.asarray(array) for array in (data.x, data.y, *data.val))
    each = {name: [arm[name] for arm in data.arms] for name in data.arms[0]}
    arms = {name: jnp.resize(jnp.array(values), RUNS) for name, values in each.items()}
    whole = len(x) // data.batch * data.batch

    def start(key: Any) -> Any:
        shapes = [shape for i, o in pairwise(data.widths) for shape in ((i, o), (i, o)[1:])]
        bounds = [i**-0.5 for i in data.widths[:-1] for _ in range(2)]
        draw = [partial(jax.random.uniform, shape=s, minval=-b, maxval=b) for s, b in zip(shapes, bounds, strict=True)]
        weights = [one(k) for one, k in zip(draw, jax.random.split(key, len(draw)), strict=True)]
        zeros = [jnp.zeros_like(w) for w in weights]
        return weights, zeros, zeros, 0

    def loss(out: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], 1).mean()

    def logits(weights: Any, x: Any, key: Any = None, p: Any = 0) -> Any:
        for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = jax.nn.relu(x @ w + b)
            if key is not None:
                key, mine = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(mine, 1 - p, x.shape), x / (1 - p), 0)
        return x @ weights[-2] + weights[-1]

    def objective(weights: Any, batch: Any, key: Any, arm: Any) -> Any:
        penalty = sum(arm["l1"] * jnp.abs(w).sum() + arm["l2"] * jnp.square(w).sum() for w in weights[::2])
        return loss(logits(weights, x[batch], key, arm["dropout"]), y[batch]) + penalty

    def step(arm: Any, state: Any, batch_and_key: Any) -> Any:
        weights, mean, square, t = state
        gradient = jax.grad(objective)(weights, *batch_and_key, arm)
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradient, strict=True)]
        square = [0.999 * s + 0.001 * g * g for s, g in zip(square, gradient, strict=True)]
        lr, root = 1e-3 / (1 - 0.9 ** (t + 1)), (1 - 0.999 ** (t + 1)) ** 0.5
        moved = [w - lr * m / (jnp.sqrt(s) / root + 1e-8) for w, m, s in zip(weights, mean, square, strict=True)]
        return (moved, mean, square, t + 1), None

    def epoch(state: Any, key: Any, arm: Any) -> Any:
        first, last, *keys = jax.random.split(key, 2 + whole // data.batch)
        order = jax.random.permutation(first, len(x))
        batches = order[:whole].reshape(-1, data.batch), jnp.stack(keys)
        state, _ = jax.lax.scan(partial(step, arm), state, batches)
        if whole < len(x):
            state, _ = step(arm, state, (order[whole:], last))
        outs = [(logits(state[0], x), y), (logits(state[0], val_x), val_y)]
        return state, [(loss(out, y), (out.argmax(1) == y).mean()) for out, y in outs]

    begin, advance = jax.jit(jax.vmap(start)), jax.jit(jax.vmap(epoch), donate_argnums=0)

    def train(epochs: int) -> int:
        state = begin(jax.random.split(jax.random.key(0), RUNS))
        for n in range(epochs):
            state, figures = advance(state, jax.random.split(jax.random.key(n + 1), RUNS), arms)
            jax.device_get(figures)
        return RUNS

    return train


PEERS: dict[str, tuple[Callable[[Data], Train], str, str]] = {  # what it does, its package, its job
    "Lightning": (lightning, "lightning", "digits"),
    "skorch": (skorch, "skorch", "digits"),
    "Keras on TensorFlow": (partial(keras, backend="tensorflow"), "tensorflow", "digits"),
    "Keras on JAX": (partial(keras, backend="jax"), "keras", "digits"),
    "scikit-learn, a process a core": (scikit_learn, "scikit-learn", "digits"),
    f"JAX vmap, {RUNS} runs": (jax_vmap, "jax", "digits"),
    "Keras on JAX, MNIST": (partial(keras, backend="jax", traced=True), "keras", "mnist"),
    "Keras on JAX, MNIST, judged": (partial(keras, backend="jax", traced=True, judged=True), "keras", "mnist"),
}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main(peer: str, folder: Path) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    work, package, job = PEERS[peer]
    try:
        installed = version(package)
        train = work(Data(folder / job))
        train(1)  # to warm up and compile, not timed
    except PackageNotFoundError:
        say(skipped=f"{package} is not installed")
    except Exception as error:
        say(skipped=f"{type(error).__name__}: {error}")
    else:
        say(version=installed)
        for line in sys.stdin:
            begin = time.perf_counter()
            units = train(int(line))
            say(seconds=(time.perf_counter() - begin) / units)


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1], Path(sys.argv[2]))
    else:
        print("\n".join(PEERS))
