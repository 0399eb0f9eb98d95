"""Saving a run midway in its folder, and going on from there. A checkpoint that is not whole is of no use."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import google_crc32c
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ablate.config import identity
from ablate.options.code import told
from ablate.records.job import Job
from ablate.records.names import CHECKPOINT, HISTORY, OWN_EVENTS
from ablate.training.engine import Checkpoint
from ablate.utils.console import complain
from ablate.utils.files import adding, is_plain, remove, write
from ablate.utils.text import line

CHECKSUM = "checksum"
Count = Annotated[int, Field(ge=0, lt=2**53)]


class _State(BaseModel):
    """What a checkpoint holds beside its tensors. files: what had been written to those that the run adds to."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: Literal[1]  # of this schema; one of another is of no use
    epoch: Annotated[int, Field(ge=1, lt=2**53)]
    steps: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    stopping: dict[str, float | bool]
    best: dict[str, float]
    files: dict[str, Count]


def store(job: Job, checkpoint: Checkpoint, growing: Sequence[IO[Any]]) -> None:
    """Write a checkpoint. growing: the files that the run adds to; what is in them now is part of it."""
    for file in growing:
        file.flush()
        os.fsync(file.fileno())
    sizes = _sizes(job.folder) | {Path(file.name).name: file.tell() for file in growing}
    state = _State(
        version=1,
        epoch=checkpoint.epoch,
        steps=checkpoint.steps,
        seconds=checkpoint.seconds,
        stopping=checkpoint.stopping,
        best=checkpoint.best,
        files=sizes,
    )
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    asked = identity.settings_id(job.config.model_dump())
    said = {"run_id": job.run_id, "settings": asked, "origin": json.dumps(job.origin)}
    said["state"] = json.dumps(state.model_dump())  # with NaN, which pydantic would write as null
    write(job.folder / CHECKPOINT, save(tensors, said | {CHECKSUM: _checksum(said, tensors)}))


def epoch(job: Job) -> int:
    """The epoch after which the run can go on, 0 where it has to begin: why, if there is a checkpoint, is said."""
    try:
        found = _read(job)
    except _Useless as why:
        complain(f"warning: {job.folder / CHECKPOINT}: no use, the run begins anew: {why}")
        return 0
    return found[0].epoch if found else 0


def load(job: Job) -> Checkpoint | None:
    """The run's checkpoint, if there is a sound one; its other files are cut back to what they were then."""
    try:
        found = _read(job)
    except _Useless:
        return None
    if found is None:
        return None
    state, tensors = found
    for name in _sizes(job.folder):
        if name in state.files:
            with adding(job.folder / name, "r+b") as file:
                file.truncate(state.files[name])
        else:
            remove(job.folder / name)
    return Checkpoint(**state.model_dump(exclude={"version", "files"}), tensors=tensors)


def reject(job: Job, why: object) -> None:
    """Remove a checkpoint that training can't go on from, and say so."""
    complain(f"warning: {job.folder / CHECKPOINT}: no use, the run begins anew: {line(why)}")
    discard(job)


def discard(job: Job) -> None:
    """Remove the run's checkpoint, where it has one."""
    remove(job.folder / CHECKPOINT)


class _Useless(Exception):
    """There is a checkpoint, and the run can't go on from it."""


def _read(job: Job) -> tuple[_State, dict[str, Tensor]] | None:
    """A checkpoint, or None where there is none, or one of a run of other settings.

    Raises:
        _Useless: it is damaged, of another version, or of the same settings and other data or code.
    """
    path = job.folder / CHECKPOINT
    try:
        if not os.path.lexists(path):
            return None
        if not is_plain(path):
            raise ValueError("is a link, or no plain file")
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if said.pop(CHECKSUM, None) != _checksum(said, tensors):
            raise ValueError("it is damaged, or of another version")
        if said["run_id"] != job.run_id:
            if said["settings"] != identity.settings_id(job.config.model_dump()):
                return None
            raise ValueError(identity.changed(json.loads(said["origin"]), job.origin, told))
        state = _State.model_validate(json.loads(said["state"]))
        if state.epoch >= job.config.trainer.epochs:
            raise ValueError(f"it is of epoch {state.epoch}, of a run of {job.config.trainer.epochs}")
        there = _sizes(job.folder)
        if any(there.get(name, -1) < size for name, size in state.files.items()):
            raise ValueError("the files that belong to it are shorter than they were")
    except ValidationError as error:
        first = error.errors()[0]
        raise _Useless(line(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")) from None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _Useless(line(error)) from None
    return state, tensors


def _checksum(said: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """A CRC-32C of all that a checkpoint holds: any few flipped bits change it."""
    checksum = google_crc32c.Checksum()
    for key, value in sorted(said.items()):
        checksum.update(f"{key}\0{value}\0".encode())
    for name, tensor in sorted(tensors.items()):
        checksum.update(f"{name}\0{tensor.dtype}{list(tensor.shape)}\0".encode())
        checksum.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return str(checksum.hexdigest().decode())


def _sizes(folder: Path) -> dict[str, int]:
    """The files that a run adds to, epoch by epoch, and their sizes."""
    paths = (*folder.glob(HISTORY), *folder.glob(OWN_EVENTS))
    return {path.name: path.stat().st_size for path in paths if is_plain(path)}
