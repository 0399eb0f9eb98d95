"""Everything a run leaves behind, written in one place: history.csv, TensorBoard, weights, result.json."""

from __future__ import annotations

import csv
import json
import math
import platform
import time
import traceback
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from ablate import __version__
from ablate.config import arm
from ablate.engine import Ending, Row
from ablate.errors import one_line
from ablate.events import EventFile, histogram, scalar, text
from ablate.files import write
from ablate.identity import run_id
from ablate.jobs import Job
from ablate.results import RESULT

FLUSH = 2.0  # seconds between writes of history and events: curves can be watched, and training hardly waits
BINS = 64


class Recorder:
    """Writes one run's files, row by row."""

    def __init__(self, job: Job) -> None:
        self.job = job
        job.folder.mkdir(parents=True, exist_ok=True)
        # result.json is there only if the run ended, and no file of an earlier run stands beside this one's.
        for old in (job.folder / RESULT, job.folder / "model.safetensors", *job.folder.glob("events.out.tfevents.*")):
            old.unlink(missing_ok=True)
        self.history = (job.folder / "history.csv").open("w", newline="", encoding="utf-8")
        self.rows = csv.writer(self.history)
        self.events = None
        if job.config.logging.tensorboard:
            self.events = EventFile(job.folder)
            self.events.add([text("config", f"```json\n{json.dumps(job.config.model_dump(), indent=2)}\n```")], 0)
        self.flushed = time.monotonic()

    def take(self, row: Row) -> dict[str, Any] | None:
        """Record a row; the result, where it is the run's last."""
        if row.epoch == 1:
            self.rows.writerow(["epoch", *row.figures])
        self.rows.writerow([row.epoch, *row.figures.values()])
        if self.events is not None:
            self.events.add(_shown(row), row.epoch)
        if time.monotonic() - self.flushed > FLUSH:
            self.history.flush()
            if self.events is not None:
                self.events.flush()
            self.flushed = time.monotonic()
        return self._end(row.ending) if row.ending is not None else None

    def fail(self, error: BaseException) -> dict[str, Any]:
        """Record that the run raised; the traceback goes to its log."""
        self._close()
        with (self.job.folder / "ablate.log").open("a", encoding="utf-8") as log:
            log.writelines(traceback.format_exception(error))
        return lost(self.job, one_line(error))

    def _end(self, ending: Ending) -> dict[str, Any]:
        self._close()
        if ending.status == "finished":
            tensors = {name: tensor.contiguous() for name, tensor in ending.state.items()}
            write(self.job.folder / "model.safetensors", save(tensors, {"format": "pt"}))
        fields = (
            "status",
            "metrics",
            "last",
            "epochs",
            "best_epoch",
            "stopped_epoch",
            "stopping_reason",
            "weights",
        )
        return _finish(self.job, {f: getattr(ending, f) for f in (*fields, "seconds", "error")})

    def _close(self) -> None:
        self.history.close()
        if self.events is not None:
            self.events.close()


def _shown(row: Row) -> list[Any]:
    """What TensorBoard shows of a row: its figures, the test's at the end, and histograms where they are due."""
    last = row.ending.metrics if row.ending is not None else {}
    figures = row.figures | {name: value for name, value in last.items() if name.endswith("/test")}
    kernels = {name: weights.numpy() for name, weights in (row.weights or {}).items()}
    return [
        *(scalar(name, value) for name, value in figures.items() if name != "seconds"),
        *(histogram(f"weights/{n}", w, BINS) for n, w in kernels.items() if np.isfinite(w).all()),
    ]


def lost(job: Job, error: str) -> dict[str, Any]:
    """Record that a run ended without a result of its own; what it has written stays."""
    job.folder.mkdir(parents=True, exist_ok=True)
    return _finish(job, {"status": "failed", "error": error})


def _finish(job: Job, outcome: dict[str, Any]) -> dict[str, Any]:
    """Write result.json, whose presence says that the run ended."""
    config = job.config.model_dump()
    empty: dict[str, Any] = {
        "metrics": {},
        "last": {},
        "weights": {},
        "epochs": None,
        "best_epoch": None,
        "stopped_epoch": None,
    }
    result = {
        "status": outcome.pop("status"),
        "run_id": run_id(config),
        "arm": arm(job.config),
        "seed": job.config.seed,
        "config": config,
        **empty,
        "stopping_reason": None,
        "seconds": None,
        **outcome,
        "versions": versions(),
    }
    write(job.folder / RESULT, json.dumps(_jsonable(result), indent=1, allow_nan=False) + "\n")
    return result


def _jsonable(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {k: _jsonable(v) for k, v in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def versions() -> dict[str, str]:
    names = {"hydra": "hydra-core", "numpy": "numpy", "tensorboard": "tensorboard"}
    installed = {name: version(package) for name, package in names.items()}
    return {
        "ablate": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **installed,
    }
