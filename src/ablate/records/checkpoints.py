"""Saving a run midway in its folder, and going on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ablate.config import identity
from ablate.options.code import told
from ablate.records.job import Job
from ablate.records.names import CHECKPOINT, EVENTS, HISTORY
from ablate.training.engine import Checkpoint
from ablate.utils.console import complain
from ablate.utils.files import write
from ablate.utils.text import line


def store(job: Job, checkpoint: Checkpoint, growing: Sequence[IO[Any]]) -> None:
    """Write a checkpoint. growing: the files that the run adds to; what is in them now is part of it."""
    for file in growing:
        file.flush()
        os.fsync(file.fileno())
    state = {**asdict(checkpoint), "tensors": None, "files": {Path(f.name).name: f.tell() for f in growing}}
    state["files"] |= {name: size for name, size in _sizes(job.folder).items() if name not in state["files"]}
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    asked = identity.settings_id(job.config.model_dump())
    said = {"run_id": job.run_id, "settings": asked, "origin": json.dumps(job.origin), "state": json.dumps(state)}
    write(job.folder / CHECKPOINT, save(tensors, said))


def epoch(job: Job) -> int:
    """The epoch after which the run can go on, 0 where it has to begin."""
    state = _state(job)
    return 0 if state is None else int(state["epoch"])


def load(job: Job) -> Checkpoint | None:
    """The run's checkpoint, if there is a sound one; its other files are cut back to what they were then."""
    state = _state(job)
    if state is None:
        return None
    files = state.pop("files")
    with safe_open(job.folder / CHECKPOINT, framework="pt") as file:
        state["tensors"] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in _sizes(job.folder):
        if name in files:
            os.truncate(job.folder / name, files[name])
        else:
            (job.folder / name).unlink()
    return Checkpoint(**state)


def remove(job: Job) -> None:
    (job.folder / CHECKPOINT).unlink(missing_ok=True)


def _state(job: Job) -> dict[str, Any] | None:
    """What the file says beside its tensors; None where there is none, or none of use."""
    path = job.folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata()
        if said["run_id"] != job.run_id:
            if said.get("settings") == identity.settings_id(job.config.model_dump()):
                why = identity.changed(json.loads(said["origin"]), job.origin, told)
                complain(f"warning: {path}: no use, the run begins anew: {line(why)}")
            return None
        state: dict[str, Any] = json.loads(said["state"])
        there = _sizes(job.folder)
        if any(there.get(name, -1) < size for name, size in state["files"].items()):
            raise ValueError("the files that belong to it are shorter than they were")
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        complain(f"warning: {path}: no use, the run begins anew: {line(error)}")
        return None
    return state


def _sizes(folder: Path) -> dict[str, int]:
    """The files that a run adds to, epoch by epoch, and their sizes."""
    return {p.name: p.stat().st_size for p in (*folder.glob(HISTORY), *folder.glob(EVENTS))}
