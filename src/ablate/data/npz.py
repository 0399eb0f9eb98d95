"""Arrays in a file of one's own: .npz, or a folder of .npy files. What is not compressed is read when it is used."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from ablate.data import Source
from ablate.options.schema import DatasetConfig, Line
from ablate.utils import memory
from ablate.utils.errors import ConfigError, one_line, one_of, refuse

HEADER = 30  # bytes of a member's header in an archive, before its name


class Config(DatasetConfig):
    path: str | None = Field(description="the .npz file; or a folder with a .npy file an array")
    x: Line = Field(description="the array of the samples, [n, features] or images [n, channels, height, width]")
    y: Line = Field(
        description="that of what is to be predicted: [n] classes (numbers, text) or numbers; [n, k] several"
    )
    test_x: Line | None = Field(description="that of a published test part; null: the test is split off x")
    test_y: Line | None = Field(description="its y")
    val_x: Line | None = Field(description="that of a published validation part; null: it is split off x")
    val_y: Line | None = Field(description="its y")
    group: Line | None = Field(description="an array [n]: samples that have it in common stay together in the split")
    time: Line | None = Field(description="an array [n] by which the split is made: the test is what is latest")
    weight: Line | None = Field(description="an array [n] that says how much a sample counts in loss and metrics")
    test_fraction: float = Field(gt=0, lt=1, description="share of the samples for the test, where it is split off")


def load(config: Config) -> Source:
    if config.path is None:
        raise refuse("dataset.path", None, "must be an .npz file, or a folder of .npy files: dataset.path=FILE")
    for part in ("test", "val"):
        x, y = getattr(config, f"{part}_x"), getattr(config, f"{part}_y")
        if (x is None) != (y is None):
            raise refuse(
                f"dataset.{part}_{'y' if y is None else 'x'}", None, "must be named, as the other of the two is"
            )
    path = Path(config.path).expanduser()
    try:
        arrays = _folder(path) if path.is_dir() else _archive(path)
    except FileNotFoundError:
        raise refuse("dataset.path", config.path, "there is no such file") from None
    except OSError as error:
        raise refuse("dataset.path", config.path, f"can't be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile) as error:
        raise refuse("dataset.path", config.path, f"is no .npz file: {error}") from None

    def array(key: str, whole: bool) -> Any:
        name = getattr(config, key)
        if name is None:
            return None
        if name not in arrays:
            raise refuse(f"dataset.{key}", name, one_of(arrays, name))
        try:
            found = arrays[name]()
            return np.array(found) if whole else found
        except ConfigError:
            raise
        except Exception as error:  # damaged, cut off, compressed by something else
            raise refuse("dataset.path", config.path, f"its array {name} can't be read: {one_line(error)}") from None

    beside = {key: array(key, True) for key in ("y", "test_y", "val_y", "group", "time", "weight")}
    return Source(**{key: array(key, False) for key in ("x", "test_x", "val_x")}, **beside)


def _folder(path: Path) -> dict[str, Callable[[], np.ndarray]]:
    """Its arrays by name, mapped."""
    files = {file.stem: file for file in sorted(path.glob("*.npy"))}
    if not files:
        raise ValueError("a folder without .npy files")
    return {name: partial(np.load, file, mmap_mode="r", allow_pickle=False) for name, file in files.items()}


def _archive(path: Path) -> dict[str, Callable[[], np.ndarray]]:
    """Its arrays by name, mapped where they are stored as they are."""
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if one.filename.endswith(".npy")]
    if not members:
        raise ValueError("an archive without arrays")
    reads = {one: _mapped if one.compress_type == zipfile.ZIP_STORED else _unpacked for one in members}
    return {one.filename.removesuffix(".npy"): partial(read, path, one) for one, read in reads.items()}


def _mapped(path: Path, member: zipfile.ZipInfo) -> np.ndarray:
    """An array that is stored as it is, where it stands in the archive."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        name, extra = struct.unpack("<HH", file.read(HEADER)[26:])
        file.seek(member.header_offset + HEADER + name + extra)
        shape, order, dtype = _header(file)
        if 0 in shape:  # nothing can't be mapped
            return np.empty(shape, dtype)
        return np.memmap(path, dtype, "r", file.tell(), shape, order)


def _unpacked(path: Path, member: zipfile.ZipInfo) -> np.ndarray:
    memory.demand(f"dataset.path={path.name}: the samples of {member.filename}", member.file_size)
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        found: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return found


def _header(file: Any) -> tuple[tuple[int, ...], Any, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds objects of Python's, which are not read")
    return shape, "F" if fortran else "C", dtype
