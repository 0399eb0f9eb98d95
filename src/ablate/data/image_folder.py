"""Pictures in folders of one's own, a folder a class, as torchvision has them. They are read when they are used."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.data._lazy import Lazy
from ablate.options.schema import DatasetConfig
from ablate.utils.errors import ConfigError, one_line, refuse
from ablate.utils.text import count, cut, listed

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's
PARTS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


class Config(DatasetConfig):
    path: str | None = Field(
        description="a folder with a folder a class; or with train, and val or test or both, that have them"
    )
    size: int = Field(ge=1, le=4096, description="width and height in pixels that every picture is brought to")
    channels: Literal[1, 3] = Field(description="1: grey; 3: red, green and blue")
    test_fraction: float = Field(gt=0, lt=1, description="share of the pictures for the test, where no test is there")


class Images(Lazy):
    """files: of the pictures, in order; uint8 [n, channels, size, size]."""

    def __init__(self, files: Sequence[Path], size: int, channels: int) -> None:
        self.files = files
        self.shape, self.dtype = (len(files), channels, size, size), np.dtype(np.uint8)

    def read(self, place: int) -> np.ndarray:
        from PIL import Image, UnidentifiedImageError

        path, (_, channels, size, _) = self.files[place], self.shape
        try:
            with warnings.catch_warnings(), Image.open(path) as image:
                warnings.simplefilter("ignore")  # of what a file has beside its pixels
                if image.mode.startswith("I;16"):  # which Pillow would cut off, and not scale
                    found = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
                else:
                    found = image.convert("RGBA").convert("RGB") if image.mode == "P" else image
                pixels = found.convert("L" if channels == 1 else "RGB")
            if pixels.size != (size, size):
                pixels = pixels.resize((size, size), Image.Resampling.BILINEAR)
        except Exception as error:  # whatever Pillow stumbles over
            why = "" if isinstance(error, UnidentifiedImageError) else f" ({one_line(error)})"
            raise ConfigError(f"{path}: is no picture that can be read{why}") from None
        array = np.asarray(pixels)
        return array[None] if channels == 1 else np.moveaxis(array, -1, 0)


def load(config: Config) -> Source:
    if config.path is None:
        raise refuse("dataset.path", None, "must be a folder with a folder of pictures a class: dataset.path=FOLDER")
    path = Path(config.path).expanduser()
    if not path.is_dir():
        raise refuse("dataset.path", config.path, "must be a folder" if path.exists() else "there is no such folder")
    try:
        return _source(path, config)
    except OSError as error:
        raise refuse("dataset.path", config.path, f"{error.filename}: can't be read: {error.strerror}") from None


def _source(path: Path, config: Config) -> Source:
    folders = {part: [path / name for name in names if (path / name).is_dir()] for part, names in PARTS.items()}
    parts = {part: found[0] for part, found in folders.items() if found}
    if same := next((found for found in folders.values() if len(found) > 1), None):
        raise refuse("dataset.path", config.path, f"has {listed(each.name for each in same)}, which are the same part")
    if "train" not in parts or (len(parts) == 1 and len(_classes(path)) > 1):
        parts = {"train": path}
    classes = _classes(parts["train"])
    if len(classes) < 2:
        has = f"has {count(len(classes), 'folder')}"
        raise refuse("dataset.path", parts["train"], f"{has}; must have one for each of at least two classes")
    said = []
    arrays = {}
    for part, folder in parts.items():
        if more := [name for name in _classes(folder) if name not in classes]:
            raise refuse("dataset.path", folder, f"has {cut(listed(more))}, which {parts['train']} has not")
        files: list[Path] = []
        labels: list[int] = []
        others = 0
        for label, name in enumerate(classes):
            found, left = pictures(folder / name) if (folder / name).is_dir() else ([], 0)
            if not found:
                raise refuse("dataset.path", folder / name, f"has no pictures ({', '.join(ENDINGS)})")
            files += found
            labels += [label] * len(found)
            others += left
        arrays[part] = Images(files, config.size, config.channels), np.array(labels)
        said.append(f"{folder}: {count(len(files), 'picture')} of {len(classes)} classes")
        if others:
            said.append(
                f"{folder}: {count(others, 'file')} left out, no {'picture' if others == 1 else 'pictures'} by the name"
            )
    (x, y), (test_x, test_y), (val_x, val_y) = (arrays.get(part, (None, None)) for part in ("train", "test", "val"))
    assert x is not None and y is not None
    return Source(x, y, len(classes), test_x, test_y, val_x, val_y, labels=tuple(classes), said=said)


def _classes(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def pictures(folder: Path) -> tuple[list[Path], int]:
    """The pictures in a folder and those below it, in order; and how many other files there are."""
    found, others = [], 0
    for where, below, names in os.walk(folder):
        below.sort()
        for name in sorted(names):
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                found.append(Path(where, name))
            else:
                others += 1
    return found, others
