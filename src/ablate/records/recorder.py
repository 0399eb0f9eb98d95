"""Everything a run leaves behind, written in one place: history.csv, TensorBoard, weights, result.json."""

from __future__ import annotations

import csv
import json
import math
import os
import platform
import shutil
import time
import traceback
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from ablate import __version__, board, checkpoints
from ablate.board import Board
from ablate.config import arm
from ablate.engine import Ending, Row
from ablate.files import EVENTS, sync, tidy, unfinished, write
from ablate.jobs import Job
from ablate.results import EARLIER, RESULT, read

FLUSH = 2.0  # seconds between writes of history and events: curves can be watched, and training hardly waits


class Recorder:
    """Writes one run's files, row by row."""

    def __init__(self, job: Job, resumed: bool = False) -> None:
        """resumed: the run goes on from its checkpoint, and so do its files."""
        self.job = job
        job.folder.mkdir(parents=True, exist_ok=True)
        tidy(job.folder)
        if not resumed:
            _set_aside(job.folder)
        self.history = (job.folder / "history.csv").open("a", newline="", encoding="utf-8")
        self.rows = csv.writer(self.history)
        self.board = Board(job) if job.config.logging.tensorboard else None
        self.flushed = time.monotonic()

    def take(self, row: Row) -> dict[str, Any] | None:
        """Record a row; the result, where it is the run's last."""
        if row.epoch == 1:
            self.rows.writerow(["epoch", *row.figures])
        self.rows.writerow([row.epoch, *row.figures.values()])
        if self.board is not None:
            self.board.take(row)
        if time.monotonic() - self.flushed > FLUSH:
            self.history.flush()
            if self.board is not None:
                self.board.flush()
            self.flushed = time.monotonic()
        if row.checkpoint is not None:
            checkpoints.store(self.job, row.checkpoint, [self.history, *([self.board.file] if self.board else [])])
        return self._end(row.ending) if row.ending is not None else None

    def _end(self, ending: Ending) -> dict[str, Any]:
        self.close()
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
        result = _finish(self.job, {f: getattr(ending, f) for f in (*fields, "seconds", "error")})
        checkpoints.remove(self.job)
        if ending.status == "finished":
            shutil.rmtree(self.job.folder / EARLIER, ignore_errors=True)
        return result

    def close(self) -> None:
        try:
            self.history.close()
        finally:
            if self.board is not None:
                self.board.close()


def lost(job: Job, reason: str, error: BaseException | None = None) -> dict[str, Any]:
    """Record, as far as that can be done, that a run failed; what it has written stays.

    error: what it raised, if it did: the traceback goes to its log.
    """
    outcome = {"status": "failed", "error": reason}
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        if error is not None:
            with (job.folder / "ablate.log").open("a", encoding="utf-8") as log:
                log.writelines(traceback.format_exception(error))
        if job.config.logging.tensorboard:
            board.failed(job, reason)
        write(job.folder / RESULT, _json(_result(job, outcome)))
    except OSError:  # a full disk, a folder that is gone: the one who asked is told all the same
        pass
    return _result(job, outcome)


def _set_aside(folder: Path) -> None:
    """Make room for a run: no file of an earlier one stands beside this one's.

    A finished result is kept in a folder of its own until this run has finished too.
    """
    files = [folder / name for name in (RESULT, "model.safetensors", "history.csv")]
    if any(
        result["folder"] == str(folder.resolve()) and result["status"] == "finished" for result in read([folder])[0]
    ):
        kept = folder / EARLIER
        partial = unfinished(kept)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for file in files:
            if file.is_file():
                write(partial / file.name, file.read_bytes())
        shutil.rmtree(kept, ignore_errors=True)
        partial.replace(kept)
        sync(folder)
    for old in (*files, folder / checkpoints.FILE, *folder.glob(EVENTS)):
        old.unlink(missing_ok=True)


def _finish(job: Job, outcome: dict[str, Any]) -> dict[str, Any]:
    """Write result.json, whose presence says that the run ended."""
    result = _result(job, outcome)
    write(job.folder / RESULT, _json(result))
    return result


def _json(result: dict[str, Any]) -> str:
    return json.dumps(_jsonable(result), indent=1, allow_nan=False) + "\n"


def _result(job: Job, outcome: dict[str, Any]) -> dict[str, Any]:
    config = job.config.model_dump()
    empty: dict[str, Any] = {
        "metrics": {},
        "last": {},
        "weights": {},
        "epochs": None,
        "best_epoch": None,
        "stopped_epoch": None,
    }
    return {
        "status": outcome["status"],
        "run_id": job.run_id,
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
