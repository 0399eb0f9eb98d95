"""torchvision's image sets: it downloads them, and we read the files, with one clear line where they are damaged.

torchvision reads CIFAR with pickle, and takes files in MNIST's format that end too early or go on for too long.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import struct
from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.options.schema import DatasetConfig
from ablate.utils.errors import one_line, refuse

MNIST_FILES = tuple(
    f"{part}-{content}-ubyte" for part in ("train", "t10k") for content in ("images-idx3", "labels-idx1")
)


class Config(DatasetConfig):
    root: str = Field(description="the folder that holds the files; what is missing is downloaded into it")


@lru_cache(maxsize=2)
def load(kind: str, folder: str, names: Collection[str], read: Callable[[Path], Source], given_root: str) -> Source:
    """kind: the class in torchvision.datasets; folder: where below `root` it keeps its files, which have these names.

    read: gives what is in the folder, or raises a ValueError that names the file and what is wrong with it.

    Raises:
        ConfigError: files are not there and can't be downloaded, or are damaged.
    """
    root = Path(given_root).expanduser()
    files = root / folder
    try:
        missing = [name for name in names if not (files / name).exists()]
    except (OSError, ValueError) as error:  # no name for a folder
        raise refuse("dataset.root", given_root, f"can't be looked into: {one_line(error)}") from None
    if missing:
        _download(kind, root, files, given_root, missing)
    try:
        return read(files)
    except ValueError as error:
        raise refuse("dataset.root", given_root, f"{error}; put the files of {kind} there") from None
    except OSError as error:
        raise refuse("dataset.root", given_root, f"{error.filename}: can't be read: {error.strerror}") from None


def mnist(files: Path) -> Source:
    """Images [n, 1, height, width] and labels of 10 classes from a folder with `MNIST_FILES`."""
    x, y, test_x, test_y = (_idx(files / name, 3 if "images" in name else 1) for name in MNIST_FILES)
    return Source(x[:, None], y, 10, test_x[:, None], test_y)


def _idx(path: Path, dimensions: int) -> np.ndarray:
    """A file of bytes in MNIST's format: 0, 0, 8, dimensions, the size of each (4 bytes, big end first), the bytes."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        header = file.read(4 + 4 * dimensions)
        if len(header) < 4 + 4 * dimensions or header[:4] != bytes([0, 0, 8, dimensions]):
            raise ValueError(f"{path}: is damaged: it doesn't begin as a file in MNIST's format must")
        sizes = struct.unpack(f">{dimensions}I", header[4:])
        if length != len(header) + math.prod(sizes):
            shape = " × ".join(map(str, sizes))
            said = f"it has {length:,} bytes, and {shape} take {len(header) + math.prod(sizes):,}"
            raise ValueError(f"{path}: is damaged: {said}")
        return np.fromfile(file, np.uint8).reshape(sizes)


def _download(kind: str, root: Path, files: Path, given_root: str, missing: list[str]) -> None:
    """Have torchvision fetch what is missing. It knows the sums of what it fetches, and checks them."""
    import torchvision

    there = _holds_files(files)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            getattr(torchvision.datasets, kind)(root, download=True)
    except Exception as error:  # torchvision raises whatever it stumbles over
        if not there:
            _remove_empty(files, root)
        state = f"lacks {', '.join(missing)}" if there else "has no files"
        reason = re.sub(r".*(<urlopen error [^>]*>).*", r"\1", one_line(error))[:160]
        allowed = f"{files.absolute()} {state}, and they can't be downloaded ({reason}); put the files of {kind} there"
        raise refuse("dataset.root", given_root, allowed) from error


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.iterdir())


def _remove_empty(folder: Path, root: Path) -> None:
    """Take away the folders that torchvision made for a download that failed."""
    for path in (folder, *folder.parents):
        if path.is_relative_to(root) and path.is_dir() and not any(path.iterdir()):
            path.rmdir()
