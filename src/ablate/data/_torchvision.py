"""torchvision's image sets, with one clear line where their files are missing or damaged."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np

from ablate.data import Source
from ablate.errors import one_line, refuse
from ablate.schema import DatasetConfig


class Config(DatasetConfig):
    root: str


def load(kind: str, folder: str, config: Config) -> Source:
    """kind: the class in torchvision.datasets; folder: where below `root` it keeps its files.

    Raises:
        ConfigError: the files are not there and can't be downloaded, or are damaged.
    """
    import torchvision

    files = Path(config.root).expanduser() / folder
    parts = []
    for train in (True, False):
        make = getattr(torchvision.datasets, kind)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                parts.append(make(Path(config.root).expanduser(), train=train, download=True))
        except Exception as error:  # torchvision raises whatever its reader stumbles over
            damaged = files.is_dir() and any(p.is_file() for p in files.rglob("*"))
            state = "holds damaged files" if damaged else "has no files, and they could not be downloaded"
            allowed = f"{files} {state} ({one_line(error)[:200]}); put the files of {kind} there"
            raise refuse("dataset.root", config.root, allowed) from error
    images, labels = zip(*((_images(part.data), np.asarray(part.targets)) for part in parts), strict=True)
    return Source(images[0], labels[0], len(parts[0].classes), images[1], labels[1])


def _images(pixels: object) -> np.ndarray:
    """[n, channels, height, width] from torchvision's [n, height, width] or [n, height, width, 3]."""
    array = np.asarray(pixels)
    return array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)
