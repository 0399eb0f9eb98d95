"""Reading back what runs left behind. Light: no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RESULT = "result.json"
HISTORY = "history.csv"
WEIGHTS = "model.safetensors"


EARLIER = ".earlier"  # in a run's folder: its finished result of before, while it is done again


def home(result: dict[str, Any]) -> str:
    """The folder of the run that a result is of."""
    folder = Path(result["folder"])
    return str(folder.parent if folder.name == EARLIER else folder)


def read(folders: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """The results below these folders, each with its `folder`, and a line for every file that is not one."""
    results, complaints = [], []
    for path in dict.fromkeys(path.resolve() for folder in folders for path in _found(folder)):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(result, dict) or not {
                "status",
                "run_id",
                "arm",
                "seed",
                "config",
                "metrics",
            } <= set(result):
                raise ValueError("is not the result of a run")
        except (OSError, ValueError) as error:
            complaints.append(f"{path}: skipped: {' '.join(str(error).split())}")
            continue
        results.append(result | {"folder": str(path.parent)})
    return results, complaints


def _found(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.rglob(RESULT)))


def history(folder: Path) -> pd.DataFrame:
    """A run's figures by epoch; empty where it left none that can be read."""
    import pandas as pd

    try:
        return pd.read_csv(folder / HISTORY, index_col="epoch", dtype=float)
    except (OSError, ValueError):  # pandas' errors of its own are ValueErrors
        return pd.DataFrame()


def kernels(folder: Path) -> dict[str, np.ndarray]:
    """The kernels that a run kept, by name: no biases and no parameters of norms; empty where there are none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError):
        return {}
    return {name: tensor for name, tensor in tensors.items() if name.endswith(".weight") and tensor.ndim > 1}
