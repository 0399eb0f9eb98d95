"""CIFAR-10: 50,000 + 10,000 images of 32×32 pixels in 3 colours, 10 classes."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ablate.data import Source, _torchvision

Config = _torchvision.Config

# The files and their MD5 sums, as torchvision has them.
FILES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
# What such a file names: numpy's way to make an array again.
NAMED = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}


def load(config: Config) -> Source:
    return _torchvision.load("CIFAR10", "cifar-10-batches-py", tuple(FILES), read, config.root)


def read(folder: Path) -> Source:
    """What is in a folder with `FILES`.

    Raises:
        ValueError: a file is not the one that was published.
    """
    parts = []
    for name, md5 in FILES.items():
        content = (folder / name).read_bytes()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            raise ValueError(f"{folder / name}: is damaged: its MD5 sum is not that of CIFAR-10's")
        parts.append(batch(content))
    (*train, (test_x, test_y)) = parts
    x, y = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    return Source(x, y, 10, test_x, test_y)


def batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 3, 32, 32] and labels [n] of one file. Nothing that it names is imported or called.

    Raises:
        ValueError: it is no batch of CIFAR's.
    """
    try:
        found: Any = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        pixels = np.frombuffer(found[b"data"].state[-1], np.uint8).reshape(-1, 3, 32, 32)
        return pixels, np.array(found[b"labels"])
    except Exception as error:  # a damaged pickle raises whatever it stumbles over
        raise ValueError(f"is no batch of CIFAR's: {error}") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMED:
            raise pickle.UnpicklingError(f"names {module}.{name}")
        return _Kept


class _Kept:
    """Stands in for all that a batch names, and keeps what it would be made of."""

    state: tuple[Any, ...]

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state
