"""What TensorBoard is shown of a run: curves, histograms, pictures, the model, and the config that made it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from scipy.special import softmax
from tensorboard.compat.proto.summary_pb2 import Summary
from torch import Tensor

from ablate.config import identity
from ablate.config.naming import arm
from ablate.config.schema import Config
from ablate.preprocessing.splits import split
from ablate.records.job import Job
from ablate.records.names import EVENTS
from ablate.tensorboard import graph, images
from ablate.tensorboard.writer import (
    EventFile,
    epoch,
    histogram,
    image,
    layout,
    scalar,
    session_end,
    session_start,
    text,
)
from ablate.training.engine import Ending, Row

BINS = 64
MOST = 1000  # classes of a confusion matrix: a picture of more can't be looked at

# The tab Custom Scalars: figures that are to be seen together.
LAYOUT = layout(
    {
        "training against validation": {"loss": "^loss/(train|val)$", "accuracy": "^accuracy/(train|val)$"},
        "gap": {"loss, validation − training": "^gap/loss$", "accuracy, training − validation": "^gap/accuracy$"},
        "penalty": {"penalty": "^penalty$", "objective = training loss + penalty": "^(objective|loss/train)$"},
        "sparsity": {
            "share of weights at 0, and below 1e-3": "^weights/(near_)?zeros$",
            "norms of the weights": "^weights/l[12]_norm$",
            "share of units that are dead": "^units/dead/",
        },
        "gradients": {"norm of each layer's": "^gradients/"},
    }
)


class RunWriter:
    """One run's event file."""

    def __init__(self, job: Job) -> None:
        begun = any(job.folder.glob(EVENTS))  # of a run that goes on, an earlier file says what it is
        self.job, self.logging = job, job.config.logging
        self.events = EventFile(job.folder)
        self.file, self.flush, self.close = self.events.file, self.events.flush, self.events.close
        if not begun:
            self._open(job)

    def _open(self, job: Job) -> None:
        config = json.dumps(job.config.model_dump(), indent=2)
        # The first command does this run, the second all of its sweep.
        values = [text("command", f"```console\n{job.command}\n```"), text("config", f"```json\n{config}\n```")]
        values += [session_start(group(job.config), hparams(job.config)), LAYOUT]
        if self.logging.graph:
            drawn = graph.of_run(job.config)
            if isinstance(drawn, str):
                values.append(text("graph", f"The model's graph can't be drawn: {drawn}"))
            else:
                self.events.draw(drawn)
        self.events.add(values, 0)

    def take(self, row: Row) -> None:
        values = epoch(row.figures)
        tensors = {name: tensor.numpy() for name, tensor in row.tensors.items()}  # torch would wake its threads
        values += [histogram(name, tensor, BINS) for name, tensor in tensors.items() if np.isfinite(tensor).all()]
        if row.ending is not None:
            values += _closing(row.ending)
            if row.ending.logits is not None and row.ending.status == "finished":
                values += _mistakes(self.job.config, row.ending.logits)
        self.events.add(values, row.epoch)


def mark_failed(job: Job, reason: str) -> None:
    """Mark a run that raised, or whose process died, beside what was written of it; there may be nothing yet."""
    job.folder.mkdir(parents=True, exist_ok=True)
    events = EventFile(job.folder)
    start = session_start(group(job.config), hparams(job.config))
    events.add([start, session_end(failed=True), text("error", reason)], 0)
    events.close()


def _closing(ending: Ending) -> list[Summary.Value]:
    """The figures of the weights that are kept: the test's, and the others, which may be of an earlier epoch."""
    figures = {
        name if name.endswith("/test") else f"kept/{name}": value
        for name, value in ending.metrics.items()
        if name.startswith(("loss/", "accuracy/"))
    }
    values = [*(scalar(name, value) for name, value in figures.items()), session_end(ending.status != "finished")]
    return values if ending.error is None else [*values, text("error", ending.error)]


def _mistakes(config: Config, logits: Tensor) -> list[Summary.Value]:
    """Confusion matrix and, of images, worst mistakes on the validation part. logits: [outputs, n]."""
    data = split(config.dataset, config.split_seed)
    truth, p = data.val.y.numpy(), _probabilities(logits.numpy())
    said = p.argmax(0)
    found = {}
    if data.classes <= MOST:
        found["mistakes/confusion_matrix"] = images.confusion_matrix(truth, said, data.classes)
    wrong = np.flatnonzero(said != truth)
    if len(data.shape) == 3 and len(wrong):
        order = wrong[np.argsort(p[truth[wrong], wrong], kind="stable")]  # of the greatest loss first
        found["mistakes/worst"] = images.worst_mistakes(data.val.x.numpy(), truth, said, p.max(0), order)
    return [image(tag, images.png(picture)) for tag, picture in found.items()]


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """How likely a run takes each class of each sample to be: [classes, n]. logits: [outputs, n]."""
    if len(logits) == 1:
        logits = np.concatenate([np.zeros_like(logits), logits])
    return softmax(logits, axis=0)


def group(config: Config) -> str:
    """The arm, told from others of its name: runs that differ in nothing but their seed are averaged in HParams."""
    return f"{arm(config)} · {identity.arm_id(config.model_dump())}"


def hparams(config: Config) -> dict[str, bool | float | str]:
    """Every key that can matter, as one types it, for the tab HParams."""
    shown = identity.settings(config.model_dump())
    if hasattr(config.model, "dropout"):
        del shown["regularizer.dropout"]  # the model's own figure is in force
    stopping = config.early_stopping
    if stopping.patience is None and not stopping.restore_best_weights:
        shown = {key: value for key, value in shown.items() if not key.startswith("early_stopping.")}
        shown["early_stopping.patience"] = None
    return {key.removesuffix(".name"): _plain(value) for key, value in shown.items()}


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, bool | int | float):
        return value
    return "none" if value is None else str(value).replace(" ", "")
