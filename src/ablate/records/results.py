"""Reading back what runs left behind. Light: no torch. Nothing that is read is trusted."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue

from ablate.options.schema import Schema, Seed, typed
from ablate.records.names import EARLIER, HISTORY, RESULT, WEIGHTS
from ablate.utils.errors import ConfigError
from ablate.utils.text import line

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LARGEST = 50_000_000  # bytes of a file that is read whole; a result has some thousands
LONGEST_ROW = 100_000  # bytes of a row of a history


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line that can be printed")
    return text


def _plain(value: Any) -> Any:
    """All text in it can be printed, all numbers are finite."""
    for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        _plain(each)
    if isinstance(value, str):
        _printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Text = Annotated[str, AfterValidator(_printable)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Figures = dict[Text, float | None]
Plain = Annotated[JsonValue, AfterValidator(_plain)]
Group = dict[str, Plain]


class _Known(Schema, extra="allow"):
    """Keys that the table needs; others are as they are."""


class _Dataset(_Known):
    name: Text
    val_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0


class _Stopping(_Known):
    patience: int | None
    restore_best_weights: bool


class _Config(Schema, extra="allow"):
    __pydantic_extra__: dict[str, Plain]
    seed: Seed
    dataset: _Dataset
    model: Group
    regularizer: Group
    early_stopping: _Stopping


class _Origin(_Known):
    code: dict[Text, Text]
    data: Text
    device: Text
    training: int


class _Samples(_Known):
    test: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    majority: Annotated[float, Field(ge=0, le=1)] | None = None


class Result(_Known):
    """What of a result.json must be there, and of which type."""

    status: Literal["finished", "failed", "diverged"]
    run_id: Text
    arm: Text
    seed: Seed
    config: _Config
    metrics: Figures
    origin: _Origin | None = None  # earlier versions didn't tell
    weights: Figures | None = None
    samples: _Samples | None = None
    epochs: Count | None = None
    best_epoch: Count | None = None
    stopped_epoch: Count | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    error: Text | None = None


def home(result: dict[str, Any]) -> str:
    """The folder of the run that a result is of."""
    folder = Path(result["folder"])
    return str(folder.parent if folder.name == EARLIER else folder)


def read(folders: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """The results below these folders, each with its `folder`, and a line for every file that is damaged.

    A run that finished doesn't count where its history or its weights are damaged: a sweep does it again.
    """
    results, complaints = [], []
    for path in dict.fromkeys(path for folder in folders for path in _found(folder)):
        file = path
        try:
            result = document(path)
            typed(Result, result, "")
            _check_figures(result)
            if result["status"] == "finished":
                file = path.with_name(HISTORY)
                _check_history(file, result.get("epochs"))
                file = path.with_name(WEIGHTS)
                _check_weights(file)
        except (OSError, ValueError, ConfigError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            complaints.append(line(f"{file}: run skipped: {said}"))
            continue
        results.append(result | {"folder": str(path.parent)})
    return results, complaints


def is_result(path: Path) -> bool:
    """Whether a file is what a run has left as its result."""
    try:
        typed(Result, document(path), "")
    except (OSError, ValueError, ConfigError):
        return False
    return True


def document(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        OSError: it can't be read. ValueError: it is too large, or something else.
    """
    if not path.is_file():
        raise ValueError("is no file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"has more than {LARGEST:,} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("holds no JSON object")
    return content


def _found(folder: Path) -> Iterator[Path]:
    return (path.parent.resolve() / RESULT for path in sorted(folder.rglob(RESULT)))


def _check_figures(result: dict[str, Any]) -> None:
    metrics = result["metrics"]
    if result["seed"] != result["config"]["seed"]:
        raise ValueError(f"seed={result['seed']}: its config says {result['config']['seed']}")
    for name, value in metrics.items():
        if name.startswith("accuracy/") and value is not None and not 0 <= value <= 1:
            raise ValueError(f"metrics.{name}={value}: must be from 0 to 1")
    if result["status"] == "finished" and not any(v is not None for k, v in metrics.items() if k.endswith("/test")):
        raise ValueError("metrics: a finished run has figures of the test part")


def _check_history(path: Path, epochs: int | None) -> None:
    """The history of a finished run, where it is still there, ends with the row of its last epoch."""
    if not path.exists():
        return
    with path.open("rb") as file:
        heading = file.readline(LONGEST_ROW)
        file.seek(-min(path.stat().st_size, LONGEST_ROW), os.SEEK_END)
        last = (file.read(LONGEST_ROW).splitlines(keepends=True) or [b""])[-1]
    if not heading.startswith(b"epoch,"):
        raise ValueError("is no history of a run")
    if not (
        last.startswith(b"%d," % (epochs or 0)) and last.endswith(b"\n") and last.count(b",") == heading.count(b",")
    ):
        raise ValueError(f"doesn't end with the row of epoch {epochs}, the run's last: it is damaged")


def _check_weights(path: Path) -> None:
    """The header of a safetensors file tells how long it is; where the file is still there."""
    if not path.exists():
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        header = file.read(length) if length <= min(size, LARGEST) else b""
    try:
        tensors = {key: value for key, value in json.loads(header).items() if key != "__metadata__"}
        end = 8 + length + max(tensor["data_offsets"][1] for tensor in tensors.values())
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise ValueError("is no safetensors file") from None
    if size != end:
        raise ValueError(f"has {size:,} bytes, and its header tells of {end:,}: it is damaged")


def history(folder: Path) -> pd.DataFrame:
    """A run's figures by epoch, not to be changed; empty where it left none that can be read."""
    import pandas as pd

    try:
        return _history(folder / HISTORY, (folder / HISTORY).stat().st_mtime_ns)
    except (OSError, ValueError):  # pandas' errors of its own are ValueErrors
        return pd.DataFrame()


@lru_cache(maxsize=1024)
def _history(path: Path, changed: int) -> pd.DataFrame:
    """changed: when; what has not changed is read once for the report and for TensorBoard."""
    import pandas as pd

    return pd.read_csv(path, index_col="epoch", dtype=float)


def kernels(folder: Path) -> dict[str, np.ndarray]:
    """The kernels that a run kept, by name: no biases and no parameters of norms; empty where there are none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError):
        return {}
    return {name: tensor for name, tensor in tensors.items() if name.endswith(".weight") and tensor.ndim > 1}
