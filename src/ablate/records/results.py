"""Reading back what runs left behind. Light: no torch. Nothing that is read is trusted."""

from __future__ import annotations

import io
import json
import math
import os
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.records.names import EARLIER, HISTORY, RESULT, WEIGHTS
from ablate.records.schema import MOST, Result, Tensor, fitting
from ablate.utils import files
from ablate.utils.console import complain
from ablate.utils.errors import ConfigError, one_of
from ablate.utils.text import count, line

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LARGEST = 50_000_000  # bytes of a file that is read whole; a result has some thousands
LONGEST_ROW = 100_000  # bytes of a row of a history
SEEN = 2**26  # bytes of a run's kernels that are looked at
LEAST_LEFT = 1e-9  # share of the samples that validation and test leave
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def home(result: dict[str, Any]) -> str:
    """The folder of the run that a result is of."""
    folder = Path(result["folder"])
    return str(folder.parent if folder.name == EARLIER else folder)


def read(folders: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """The results below these folders, each with its `folder`, and a line for every file that is damaged.

    A run that finished doesn't count where its history or its weights are damaged: a sweep does it again. What only
    describes a run, such as the machine, is left out of its result where it is no more than that.
    """
    results: dict[tuple[str, str], dict[str, Any]] = {}
    complaints = []
    for path in dict.fromkeys(path for folder in folders for path in _found(folder)):
        file = path
        try:
            result, left_out = _result(document(path))
            if result["status"] == "finished":
                file = path.with_name(HISTORY)
                _check_history(file, result["epochs"])
                file = path.with_name(WEIGHTS)
                _check_weights(file)
        except (OSError, ValueError, ConfigError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            complaints.append(line(f"{file}: run skipped: {said}"))
            continue
        if left_out:
            complaints.append(line(f"{path}: left out: {left_out}"))
        result["folder"] = str(path.parent)
        key = home(result), result["run_id"]
        if key not in results or _counts_more(result) > _counts_more(results[key]):
            results[key] = result
    return list(results.values()), complaints


def _counts_more(result: dict[str, Any]) -> tuple[bool, bool]:
    """Of two results of a run in its folder: one that finished counts, and else the last."""
    return result["status"] == "finished", Path(result["folder"]).name != EARLIER


def is_result(path: Path) -> bool:
    """Whether a file is what a run has left as its result."""
    try:
        _result(document(path))
    except (OSError, ValueError, ConfigError):
        return False
    return True


def document(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        OSError: it can't be read. ValueError: it is too large, or something else.
    """
    try:
        content = json.loads(files.read(path, LARGEST).decode())
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("holds no JSON object")
    return content


def _result(content: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A result of `schema.Result`, its config as it was, and what was left out of it, in words."""
    fits, left_out = fitting(Result, content)
    result = fits.model_dump(exclude={"config"}) | {"config": content["config"]}
    _check_figures(result)
    return result, left_out


def _found(folder: Path) -> Iterator[Path]:
    return (path.parent.resolve() / RESULT for path in sorted(left(folder, RESULT)))


def left(folder: Path, name: str) -> Iterator[Path]:
    """The files of a name below a folder, but for those in folders that were left half-made."""
    return (path for path in folder.rglob(name) if not path.parent.name.endswith(files.PART))


def _check_figures(result: dict[str, Any]) -> None:
    metrics, dataset = result["metrics"], result["config"]["dataset"]
    val, test = (dataset.get(f"{part}_fraction", 0.0) for part in ("val", "test"))
    if val + test > 1 - LEAST_LEFT:
        raise ValueError(f"config.dataset: val_fraction={val} and test_fraction={test} leave nothing to train on")
    if result["seed"] != result["config"]["seed"]:
        raise ValueError(f"seed={result['seed']}: its config says {result['config']['seed']}")
    for name, value in metrics.items():
        if name.startswith("accuracy/") and value is not None and not 0 <= value <= 1:
            raise ValueError(f"metrics.{name}={value}: must be from 0 to 1")
    if result["status"] == "finished" and not any(v is not None for k, v in metrics.items() if k.endswith("/test")):
        raise ValueError("metrics: a finished run has figures of the test part")


def _check_history(path: Path, epochs: int | None) -> None:
    """The history of a finished run, where it is still there, ends with the row of its last epoch."""
    if not os.path.lexists(path):
        return
    with files.opened(path) as file:
        heading = file.part(0, LONGEST_ROW).partition(b"\n")[0]
        last = (file.part(max(file.size - LONGEST_ROW, 0), LONGEST_ROW).splitlines(keepends=True) or [b""])[-1]
    if not heading.startswith(b"epoch,"):
        raise ValueError("is no history of a run")
    if not (
        last.startswith(b"%d," % (epochs or 0)) and last.endswith(b"\n") and last.count(b",") == heading.count(b",")
    ):
        raise ValueError(f"doesn't end with the row of epoch {epochs}, the run's last: it is damaged")


def _check_weights(path: Path) -> None:
    """The header of a safetensors file tells how long it is; where the file is still there."""
    if not os.path.lexists(path):
        return
    with files.opened(path) as file:
        begin, tensors = _tensors(file)
    end = begin + max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)
    if file.size != end:
        raise ValueError(f"has {file.size:,} bytes, and its header tells of {end:,}: it is damaged")


def _tensors(file: files.Opened) -> tuple[int, dict[str, Tensor]]:
    """Where in a safetensors file its tensors begin, and what its header says of them."""
    (length,) = struct.unpack("<Q", file.part(0, 8).ljust(8, b"\0"))
    try:
        said = json.loads(file.part(8, length) if length <= LARGEST else b"")
        tensors = {name: fitting(Tensor, tensor)[0] for name, tensor in said.items() if name != "__metadata__"}
    except (ValueError, AttributeError, RecursionError, ConfigError):
        raise ValueError("is no safetensors file") from None
    return 8 + length, tensors


def history(folder: Path) -> pd.DataFrame:
    """A run's figures by epoch, not to be changed; those that are none are NaN. Empty where it left no history."""
    import pandas as pd

    try:
        return _history(folder / HISTORY, (folder / HISTORY).stat().st_mtime_ns)
    except OSError:
        return pd.DataFrame()


@lru_cache(maxsize=1024)
def _history(path: Path, changed: int) -> pd.DataFrame:
    """changed: when; what has not changed is read once for the report and for TensorBoard."""
    import pandas as pd

    try:
        figures = pd.read_csv(io.BytesIO(files.read(path, LARGEST)), dtype=float)
        if "epoch" not in figures or not isinstance(figures.index, pd.RangeIndex):  # which longer rows make another
            raise ValueError("is no history of a run")
        epochs = figures.pop("epoch").to_numpy()
        if not (len(epochs) and _count_up(epochs)):
            raise ValueError("its epochs don't count up")
    except ValueError as error:  # pandas' errors of its own are such too
        complain(f"warning: {line(path)}: left out of the curves: {line(error)}")
        return pd.DataFrame()
    return figures.where(abs(figures) <= MOST).set_index(pd.Index(epochs.astype(int), name="epoch"))


def _count_up(epochs: np.ndarray) -> bool:
    """Whether these are whole numbers from 1 on, each above the one before."""
    return bool(epochs[0] >= 1 and epochs[-1] < 2**53 and (epochs[1:] > epochs[:-1]).all() and not (epochs % 1).any())


def kernels(folder: Path, most: int = SEEN) -> dict[str, np.ndarray]:
    """The kernels that a run kept, [numbers] by name; empty where there are none. No biases, no parameters of norms.

    most: bytes that are read; of more, each kernel's first. What is no number in 32 bits is left out.
    """
    import numpy as np

    path = folder / WEIGHTS
    try:
        with files.opened(path) as file:
            begin, tensors = _tensors(file)
            found = {name: each for name, each in tensors.items() if name.endswith(".weight") and len(each.shape) > 1}
            share = min(1.0, most / max(sum(_length(each) for each in found.values()), 1))
            read = {name: _values(file, begin, each, share) for name, each in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        complain(f"warning: {line(path)}: left out of the histograms: {line(error)}")
        return {}
    numbers = {name: values[np.isfinite(values)] for name, values in read.items()}
    if odd := sum(len(values) - len(numbers[name]) for name, values in read.items()):
        complain(f"warning: {line(path)}: left out of the histograms: {count(odd, 'value')} beyond 32 bits")
    return numbers


def _length(tensor: Tensor) -> int:
    return tensor.data_offsets[1] - tensor.data_offsets[0]


def _values(file: files.Opened, begin: int, tensor: Tensor, share: float) -> np.ndarray:
    """A tensor's first values, one after the other. share: how many of them."""
    import numpy as np

    if tensor.dtype not in DTYPES:
        raise ValueError(f"holds {tensor.dtype}: {one_of(DTYPES)}")
    kind = np.dtype(DTYPES[tensor.dtype])
    if _length(tensor) != math.prod(tensor.shape) * kind.itemsize:
        raise ValueError("its header contradicts itself")
    size = int(share * math.prod(tensor.shape)) * kind.itemsize
    values = np.frombuffer(file.part(begin + tensor.data_offsets[0], size), kind)
    if tensor.dtype == "BF16":  # the upper half of a float
        return (values.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
