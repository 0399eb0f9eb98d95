"""What TensorBoard is shown of a run: curves, histograms, images, the model, and the config that made it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
from PIL.Image import Image
from torch import Tensor

from ablate.config.schema import Config
from ablate.preprocessing.splits import split
from ablate.records.job import Job
from ablate.records.names import OWN_EVENTS
from ablate.tensorboard import graph, images, scalars
from ablate.tensorboard.histogram import histogram
from ablate.tensorboard.hparams import group, hparams
from ablate.tensorboard.writer import Writer
from ablate.training.engine import Ending, Row
from ablate.training.metrics import predicted as predicted_by

BINS = 64
MOST_CLASSES = 1000  # of a confusion matrix: a picture of more can't be looked at


class RunWriter:
    """One run's event file."""

    def __init__(self, job: Job) -> None:
        begun = any(job.folder.glob(OWN_EVENTS))  # of a run that goes on, an earlier file says what it is
        self.job = job
        self.writer = Writer(job.folder)
        self.file, self.flush, self.close = self.writer.file, self.writer.flush, self.writer.close
        if not begun:
            self._introduce()

    def _introduce(self) -> None:
        config = self.job.config
        # The first command does this run, the second all of its sweep.
        self.writer.add_text("command", f"```console\n{self.job.command}\n```", 0)
        self.writer.add_text("config", f"```json\n{json.dumps(config.model_dump(), indent=2)}\n```", 0)
        self.writer.add_session_start(group(self.job), hparams(config))
        self.writer.add_custom_scalars(scalars.LAYOUT)
        if config.logging.graph:
            traced = graph.of_run(config)
            if isinstance(traced, str):
                self.writer.add_text("graph", f"The model's graph can't be drawn: {traced}", 0)
            else:
                self.writer.add_graph_def(traced)

    def take(self, row: Row) -> None:
        """Add the row of an epoch; of the last one, how the run ended too."""
        self.writer.add_metrics(scalars.of_epoch(row.figures), row.epoch)
        for name, tensor in row.tensors.items():
            values = tensor.numpy()  # torch would wake its threads
            if np.isfinite(values).all():
                self.writer.add_histogram_raw(name, **histogram(values, BINS), global_step=row.epoch)
        if row.ending is not None:
            self._end(row.ending, row.epoch)

    def _end(self, ending: Ending, epoch: int) -> None:
        self.writer.add_metrics(_of_kept_weights(ending), epoch)
        self.writer.add_session_end(ending.status != "finished", epoch)
        if ending.error is not None:
            self.writer.add_text("error", ending.error, epoch)
        if ending.logits is not None and ending.status == "finished":
            for tag, image in _mistakes(self.job.config, ending.logits):
                self.writer.add_png(tag, images.png(image), epoch)


def mark_failed(job: Job, reason: str) -> None:
    """Mark a run that raised, or whose process died, beside what was written of it."""
    with Writer(job.folder) as writer:
        writer.add_session_start(group(job), hparams(job.config))
        writer.add_session_end(failed=True, step=0)
        writer.add_text("error", reason, 0)


def _of_kept_weights(ending: Ending) -> dict[str, float]:
    """The figures of the weights that are kept: the test's, and the others, which may be of an earlier epoch."""
    return {
        name if name.endswith("/test") else f"kept/{name}": value
        for name, value in ending.metrics.items()
        if name.endswith(("/train", "/val", "/test")) and math.isfinite(value)
    }


def _mistakes(config: Config, logits: Tensor) -> Iterator[tuple[str, Image]]:
    """Of classes: the confusion matrix and, of images, worst mistakes on the validation part. logits: [outputs, n]."""
    data = split(config.dataset, config.split_seed, config.task)
    if not (classes := len(data.target.classes)):
        return
    truth, p = data.val.y.numpy(), predicted_by(data.target, logits.numpy()).T
    predicted = p.argmax(0)
    if classes <= MOST_CLASSES:
        yield "mistakes/confusion_matrix", images.confusion_matrix(truth, predicted, classes)
    wrong = np.flatnonzero(predicted != truth)
    if len(data.shape) == 3 and len(wrong):
        order = wrong[np.argsort(p[truth[wrong], wrong], kind="stable")]  # of the greatest loss first
        yield "mistakes/worst", images.worst_mistakes(data.val.samples, truth, predicted, p.max(0), order)
