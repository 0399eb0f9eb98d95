"""New samples from a file or a folder, read as those were that a run was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.config.schema import option
from ablate.data import _frames, _tables
from ablate.preprocessing.inputs import Scaled
from ablate.preprocessing.saving import Prepared
from ablate.preprocessing.targets import Target
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import is_folder
from ablate.utils.text import count, cut, listed

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = (".npy", ".npz")
TABLE = ("separator", "decimal", "encoding", "quote", "sheet")  # keys that say how a table is written


@dataclass(frozen=True)
class New:
    """New samples. x: as a dataset has them; heading: what `names` are, which tell each apart.

    frame: the table that they are of, where it is one; said: how they were read.
    """

    x: Any
    heading: str
    names: Sequence[Any]
    frame: pd.DataFrame | None = None
    said: list[str] = field(default_factory=list)


def read(given: str, dataset: dict[str, Any], prepared: Prepared) -> New:
    """The samples in a file.

    dataset: the keys by which the run's own were read.

    Raises:
        ConfigError: they can't be read.
    """
    path = Path(given).expanduser()
    if is_folder(path):
        return _pictures(path, dataset, prepared)
    if path.suffix.lower() in ARRAYS:
        x, _ = as_samples(found := _array(path, str(dataset.get("x", "x"))), prepared)
        return New(x, "row", range(1, len(found) + 1), said=[f"{path.name}: {count(len(found), 'sample')}"])
    frame, said = _table(given, dataset)
    try:
        x, notes = as_samples(frame, prepared)
    except ConfigError as error:
        if dataset.get("name") == "image_folder":
            raise ConfigError(f"{path.name}: is a table, and the run takes a folder of pictures too; {error}") from None
        raise
    return New(x, "row", range(1, len(frame) + 1), frame, [*said, *notes])


def as_samples(x: Any, prepared: Prepared) -> tuple[Any, list[str]]:
    """What somebody gives, as a run's samples are: an array, or a data frame where it was trained on one. And lines
    about how it was read.

    Raises:
        ConfigError: it is something else.
    """
    frame = x if hasattr(x, "iloc") else None
    if not isinstance(prepared.inputs, Scaled):
        if frame is None or not hasattr(frame, "columns"):
            raise ConfigError(f"takes a data frame with the columns it was trained on, not {type(x).__name__}")
        from ablate.preprocessing.columns import Columns

        assert isinstance(prepared.inputs, Columns)
        known = [column.name for column in prepared.inputs.columns if column.used]
        frame, said = _frames.plain(frame, known)
        return frame.drop(columns=_of_target(frame, prepared.target)), said
    if frame is not None and hasattr(frame, "columns"):
        frame = frame.drop(columns=_of_target(frame, prepared.target))
        if odd := [str(name) for name in frame if frame[name].dtype.kind not in "biuf"]:
            raise ConfigError(f"column {cut(odd[0])}: must be numbers; {_trained_on(prepared.shape)}")
    try:
        array = np.asarray(x if frame is None else frame)
    except Exception as error:  # ragged lists, tensors that want a gradient
        raise ConfigError(f"takes an array of numbers: {one_line(error)}") from None
    if array.dtype.kind not in "biuf" or array.ndim < 2:
        raise ConfigError(f"takes samples of the shape {list(prepared.shape)}, not {array.dtype} {list(array.shape)}")
    size = math.prod(prepared.shape)
    if array.shape[1:] != prepared.shape and array.shape[1:] != (size,):
        raise ConfigError(f"samples have the shape {list(array.shape[1:])}; must be {list(prepared.shape)} or [{size}]")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ConfigError("samples hold NaN or infinity; must be finite numbers")
    return array.reshape(len(array), *prepared.shape), []


def _trained_on(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return "the run was trained on numbers"
    what = "pictures" if _of_picture(shape) else "samples"
    return f"the run was trained on {what} of the shape {list(shape)}: it takes such arrays (.npy or .npz)"


def _of_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3)


def _pictures(folder: Path, dataset: dict[str, Any], prepared: Prepared) -> New:
    """Pictures in a folder and those below it, brought to the size that the run was trained on."""
    if dataset.get("name") != "image_folder" or not _of_picture(prepared.shape):
        raise ConfigError(f"{folder}: is a folder, and the run was not trained on a folder of pictures")
    from ablate.data.image_folder import Images, pictures

    files, others = pictures(folder)
    if not files:
        raise ConfigError(f"{folder}: holds no pictures")
    channels, size, _ = prepared.shape
    names = [file.relative_to(folder).as_posix() for file in files]
    said = f"{folder}: {count(len(files), 'picture')}" + f"; {count(others, 'other file')} left out" * bool(others)
    return New(Images(files, size, channels), "file", names, said=[said])


def _array(path: Path, called: str) -> np.ndarray:
    """The array in a file: of several the one that is called so."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            name = found.files[0] if len(found.files) == 1 else called
            if name not in found.files:
                holds = listed(found.files) if found.files else "nothing"
                raise ConfigError(f"{path}: holds {cut(holds)}, and no array {called}")
            return np.asarray(found[name])
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(f"{path}: is no array of numbers: {cut(one_line(error))}") from None


def _table(given: str, dataset: dict[str, Any]) -> tuple[pd.DataFrame, Sequence[str]]:
    """A table in any dialect, or in that which was said of the run's own."""
    how = {}
    if dataset.get("name") == "csv":
        config = option("dataset", dataset)
        how = {key: getattr(config, key) for key in TABLE}
    try:
        return _tables.read(given, **how)
    except ConfigError as error:
        raise ConfigError(str(error).removeprefix("dataset.path=")) from None


def truth(frame: pd.DataFrame, target: Target) -> np.ndarray | None:
    """What is right by a table of new samples, as a source has it, or None where the table doesn't tell."""
    if not (names := _of_target(frame, target)):
        return None
    frame, _ = _frames.plain(frame, names)
    y = frame[names].to_numpy() if len(names) > 1 else frame[names[0]].to_numpy()
    return y.astype(np.int64) if y.dtype.kind == "b" else y


def _of_target(frame: pd.DataFrame, target: Target) -> list[str]:
    """The columns of a table that hold what is to be predicted: of several numbers or labels these have its names."""
    if target.name in frame.columns:
        return [target.name]
    several = list(target.labels) if target.name and not target.classes else []
    return several if set(several) <= set(frame.columns) else []


def met(new: New, prepared: Prepared, beside: Sequence[Any]) -> list[str]:
    """What a table has that training had not: columns that are of no use, categories that are new, missing values.

    beside: columns that have a use of their own.
    """
    if isinstance(prepared.inputs, Scaled) or new.frame is None:
        return []
    from ablate.preprocessing import telling
    from ablate.preprocessing.columns import Columns

    columns = prepared.inputs
    assert isinstance(columns, Columns)
    own = {*_of_target(new.frame, prepared.target), *beside}
    extra = [name for name in columns.unknown(new.frame) if name not in own]
    said = [f"not used, for training had no such column: {cut(listed(extra))}"] if extra else []
    return [*said, *telling.met(columns, new.x)]
