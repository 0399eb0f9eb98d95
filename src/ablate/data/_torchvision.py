"""torchvision's image sets, with one clear line where their files are missing or damaged."""

from __future__ import annotations

import contextlib
import io
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from ablate.data import Source
from ablate.errors import one_line, refuse
from ablate.schema import DatasetConfig


class Config(DatasetConfig):
    root: str


def load(kind: str, folder: str, config: Config) -> Source:
    return _read(kind, folder, config.root)


@lru_cache(maxsize=2)
def _read(kind: str, folder: str, given_root: str) -> Source:
    """kind: the class in torchvision.datasets; folder: where below `root` it keeps its files.

    Raises:
        ConfigError: the files are not there and can't be downloaded, or are damaged.
    """
    import torchvision

    root = Path(given_root).expanduser()
    files = root / folder
    there = _holds_files(files)
    make = getattr(torchvision.datasets, kind)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            train, test = (make(root, train=part, download=True) for part in (True, False))
            x, test_x = _images(train.data), _images(test.data)
    except Exception as error:  # torchvision raises whatever its reader stumbles over
        if not there:
            _remove_empty(files, root)
        state = "holds damaged files" if there else "has no files, and they can't be downloaded"
        reason = re.sub(r".*(<urlopen error [^>]*>).*", r"\1", one_line(error))[:160]
        allowed = f"{files.absolute()} {state} ({reason}); put the files of {kind} there"
        raise refuse("dataset.root", given_root, allowed) from error
    y, test_y = np.asarray(train.targets), np.asarray(test.targets)
    return Source(x, y, len(train.classes), test_x, test_y)


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.iterdir())


def _remove_empty(folder: Path, root: Path) -> None:
    """Take away the folders that torchvision made for a download that failed."""
    for path in (folder, *folder.parents):
        if path.is_relative_to(root) and path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _images(pixels: object) -> np.ndarray:
    """[n, channels, height, width] from torchvision's [n, height, width] or [n, height, width, 3]."""
    array = np.asarray(pixels)
    return array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)
