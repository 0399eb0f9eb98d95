"""Everything a run leaves behind, written in one place: history.csv, TensorBoard, weights, result.json."""

from __future__ import annotations

import csv
import json
import math
import os
import platform
import sys
import time
import traceback
import types
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from ablate import __version__
from ablate.config import arm
from ablate.engine import Ending, Row
from ablate.errors import one_line
from ablate.files import write
from ablate.identity import run_id
from ablate.jobs import Job
from ablate.results import RESULT

# TensorBoard imports TensorFlow where it is installed, 10 to 20 s for nothing; this name keeps it from that.
sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("notf"))

from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402

FLUSH = 2.0  # seconds between writes of the history: curves can be watched, and training hardly waits
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
        self.tensorboard = None
        if job.config.logging.tensorboard:
            self.tensorboard = SummaryWriter(str(job.folder), flush_secs=5)
            self.tensorboard.add_text("config", f"```json\n{json.dumps(job.config.model_dump(), indent=2)}\n```")
        self.flushed = time.monotonic()

    def take(self, row: Row) -> dict[str, Any] | None:
        """Record a row; the result, where it is the run's last."""
        if row.epoch == 1:
            self.rows.writerow(["epoch", *row.figures])
        self.rows.writerow([row.epoch, *row.figures.values()])
        if time.monotonic() - self.flushed > FLUSH:
            self.history.flush()
            self.flushed = time.monotonic()
        self._scalars(row.figures, row.epoch)
        if self.tensorboard is not None:
            for name, weights in (row.weights or {}).items():
                self._histogram(f"weights/{name}", weights.numpy(), row.epoch)
        return self._end(row.ending) if row.ending is not None else None

    def fail(self, error: BaseException) -> dict[str, Any]:
        """Record that the run raised; the traceback goes to its log."""
        self._close()
        with (self.job.folder / "ablate.log").open("a", encoding="utf-8") as log:
            log.writelines(traceback.format_exception(error))
        return lost(self.job, one_line(error))

    def _scalars(self, figures: Mapping[str, float], epoch: int) -> None:
        if self.tensorboard is not None:  # one event an epoch: SummaryWriter.add_scalar makes one a figure
            values = [
                Summary.Value(tag=name, simple_value=value) for name, value in figures.items() if name != "seconds"
            ]
            self.tensorboard._get_file_writer().add_summary(Summary(value=values), epoch)

    def _histogram(self, tag: str, values: np.ndarray, epoch: int) -> None:
        if not np.isfinite(values).all():
            return
        counts, edges = np.histogram(values, BINS)
        low, high, total, squares = (float(f) for f in (values.min(), values.max(), values.sum(), (values**2).sum()))
        self.tensorboard.add_histogram_raw(  # type: ignore[union-attr]
            tag, low, high, values.size, total, squares, edges[1:].tolist(), counts.tolist(), epoch
        )

    def _end(self, ending: Ending) -> dict[str, Any]:
        self._scalars({k: v for k, v in ending.metrics.items() if k.endswith("/test")}, ending.epochs)
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
        if self.tensorboard is not None:
            self.tensorboard.close()


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
        "machine": machine(),
    }
    write(job.folder / RESULT, json.dumps(_jsonable(result), indent=1, allow_nan=False) + "\n")
    return result


def _jsonable(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {k: _jsonable(v) for k, v in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def versions() -> dict[str, str]:
    names = {"hydra": "hydra-core", "numpy": "numpy", "tensorboard": "tensorboard"}
    installed = {name: version(package) for name, package in names.items()}
    return {
        "ablate": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **installed,
    }


@cache
def machine() -> dict[str, Any]:
    """Where this process trains: the platform, the processor, how many cores, and the GPU if one is in use."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in _lines(cpuinfo) if line.startswith("model name")]
    return {
        "platform": platform.platform(),
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        **({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_initialized() else {}),
    }


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
