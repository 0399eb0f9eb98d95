"""Everything a run leaves behind, written in one place: its files row by row, weights, result.json."""

from __future__ import annotations

import json
import math
import os
import platform
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Protocol

import torch
from safetensors.torch import save

from ablate.config.naming import arm
from ablate.records import checkpoints
from ablate.records.history import History
from ablate.records.job import Job
from ablate.records.names import (
    CHECKPOINT,
    COLUMNS,
    EARLIER,
    HISTORY,
    LOG,
    OWN_EVENTS,
    PREDICTION,
    RESULT,
    WEIGHTS,
)
from ablate.records.ownership import RUN, claim, foreign
from ablate.records.results import read
from ablate.training.engine import Ending, Row
from ablate.utils.errors import ConfigError
from ablate.utils.files import adding, is_plain, remove, sync, tidy, unfinished, write
from ablate.utils.version import VERSION

FLUSH = 2.0  # seconds between writes of what grows: curves can be watched, and training hardly waits
ENDED = ("status", "metrics", "last", "epochs", "best_epoch", "stopped_epoch", "stopping_reason", "weights",
         "data", "model", "seconds", "error")  # fmt: skip


class Listener(Protocol):
    """Keeps a file of a run that grows with its rows."""

    @property
    def file(self) -> IO[Any]: ...
    def take(self, row: Row) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Recorder:
    """Writes one run's files, row by row."""

    def __init__(self, job: Job, resumed: bool = False, others: Sequence[Callable[[Job], Listener]] = ()) -> None:
        """resumed: the run goes on from its checkpoint, and so do its files. others: make further listeners."""
        self.job = job
        job.folder.mkdir(parents=True, exist_ok=True)
        claim(job.folder, RUN)
        tidy(job.folder)
        if not resumed:
            _set_aside(job.folder)
        self.listeners: list[Listener] = [History(job.folder)]
        try:
            for make in others:
                self.listeners.append(make(job))
        except BaseException:
            self.close()
            raise
        self.flushed = time.monotonic()

    def take(self, row: Row) -> dict[str, Any] | None:
        """Record a row; the result, where it is the run's last."""
        for listener in self.listeners:
            listener.take(row)
        if time.monotonic() - self.flushed > FLUSH:
            for listener in self.listeners:
                listener.flush()
            self.flushed = time.monotonic()
        if row.checkpoint is not None:
            checkpoints.store(self.job, row.checkpoint, [listener.file for listener in self.listeners])
        return self._end(row.ending) if row.ending is not None else None

    def _end(self, ending: Ending) -> dict[str, Any]:
        self.close()
        if ending.status == "finished":
            assert ending.split is not None
            tensors = {name: tensor.contiguous() for name, tensor in ending.state.items()}
            write(self.job.folder / WEIGHTS, save(tensors, {"format": "pt"}))
            prepared, columns = ending.split.saved
            write(self.job.folder / PREDICTION, prepared)
            if columns is not None:
                write(self.job.folder / COLUMNS, columns)
        result = _result(self.job, {field: getattr(ending, field) for field in ENDED})
        write(self.job.folder / RESULT, _json(result))  # its presence says that the run ended
        with suppress(OSError):  # what is left over makes no other result of this one
            checkpoints.discard(self.job)
            if ending.status == "finished":
                remove(self.job.folder / EARLIER)
        return result

    def close(self) -> None:
        with ExitStack() as stack:  # all of them, whatever one of them raises
            for listener in reversed(self.listeners):
                stack.callback(listener.close)


def record_failure(
    job: Job,
    reason: str,
    error: BaseException | None = None,
    others: Sequence[Callable[[Job, str], None]] = (),
) -> dict[str, Any]:
    """Record, as far as that can be done, that a run failed; what it has written stays.

    error: what it raised, if it did: the traceback goes to its log; others: note the failure elsewhere in its folder.
    """
    outcome = {"status": "failed", "error": reason}
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        claim(job.folder, RUN)
        if error is not None and foreign(job.folder, RUN, [LOG]) is None:
            claim(job.folder, RUN, [LOG])
            with adding(job.folder / LOG, encoding="utf-8") as log:
                log.writelines(traceback.format_exception(error))
        for note in others:
            note(job, reason)
        if not _finished(job.folder):  # before there was room for this one
            write(job.folder / RESULT, _json(_result(job, outcome)))
    except (OSError, ConfigError):  # a full disk, a folder that is gone, or somebody's: who asked is told all the same
        pass
    return _result(job, outcome)


def _set_aside(folder: Path) -> None:
    """Make room for a run: no file of an earlier one stands beside this one's.

    A finished result is kept in a folder of its own until this run has finished too.
    """
    files = [*(folder / name for name in (RESULT, WEIGHTS, PREDICTION, COLUMNS, HISTORY)), *folder.glob(OWN_EVENTS)]
    if _finished(folder):
        kept = folder / EARLIER
        partial = unfinished(kept)
        partial.mkdir()
        for file in filter(is_plain, files):
            try:
                (partial / file.name).hardlink_to(file)  # for which a full disk has room
            except OSError:  # a file system without such links
                write(partial / file.name, file.read_bytes())
        remove(kept)
        partial.replace(kept)
        sync(folder)
    for old in (*files, folder / CHECKPOINT):  # the result first: without it, what is left of the others counts no more
        remove(old)


def _finished(folder: Path) -> bool:
    """Whether a folder holds a finished result, and not only an earlier one."""
    here = str(folder.resolve())
    return any(result["status"] == "finished" and result["folder"] == here for result in read([folder])[0])


def _json(result: dict[str, Any]) -> str:
    return json.dumps(_jsonable(result), indent=1, allow_nan=False) + "\n"


def _result(job: Job, outcome: dict[str, Any]) -> dict[str, Any]:
    config = job.config.model_dump()
    empty: dict[str, Any] = {
        "metrics": {},
        "last": {},
        "weights": {},
        "data": None,
        "model": None,
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
        "origin": job.origin,
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
    if isinstance(value, list):
        return [_jsonable(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def versions() -> dict[str, str]:
    names = {"hydra": "hydra-core", "numpy": "numpy", "tensorboard": "tensorboard"}
    installed = {name: version(package) for name, package in names.items()}
    return {
        "ablate": VERSION,
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
