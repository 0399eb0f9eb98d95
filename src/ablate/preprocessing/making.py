"""From a source's samples to a split of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate import data
from ablate.data import Source
from ablate.options.schema import DatasetConfig
from ablate.preprocessing.fingerprints import fingerprint
from ablate.preprocessing.inputs import Inputs, fitted
from ablate.preprocessing.parts import parts
from ablate.preprocessing.samples import Part, Split
from ablate.preprocessing.streams import Stream, readers
from ablate.preprocessing.targets import Target, target
from ablate.utils import memory
from ablate.utils.arrays import is_frame, pieces
from ablate.utils.errors import ConfigError, refuse
from ablate.utils.text import count, listed

ROOM = 0.25  # of the free memory that samples may take
NAMED = 10  # classes whose shares are said


def make(config: Any, task: str) -> Split:
    """The split of a dataset's samples, whose seed its config has; task: as `task`, or `auto`.

    Raises:
        ConfigError: files are missing or damaged; the samples can't be used, or not so.
    """
    came = data.source(config)
    source = _in_time(_complete(came, config), config)
    wanted = target(source, task)
    places = parts(config, source, _in_proportion(source, wanted))
    taken = {name: (source.x, source.y, at) for name, at in places.items()}
    for name, x, y in (("val", source.val_x, source.val_y), ("test", source.test_x, source.test_y)):
        if y is not None:
            taken[name] = (x, y, np.arange(len(y)))
    x, y, at = taken["train"]
    inputs, wanted = fitted(x, at, config), wanted.fitted(y[at])
    in_memory = _in_memory(config, [(x, at) for x, _, at in taken.values()])
    found = {}
    for name, (x, y, at) in taken.items():
        weight = source.weight[at].astype(np.float64) if source.weight is not None and name in places else None
        numbers = _numbers(x, at, inputs, config) if in_memory else Stream(x, at, inputs)
        found[name] = Part(numbers, torch.from_numpy(wanted.encode(y[at])), _tensor(weight))
    _, y, at = taken["test"]
    made = Split(
        train=found["train"],
        val=found["val"],
        test=found["test"],
        answers=wanted.answers(y[at]),
        target=wanted,
        inputs=inputs,
        fingerprint=fingerprint(came),
        name=_name(config),
        columns=source.x.shape[1] if is_frame(source.x) else None,
    )
    _check_classes(made, source, places, config)
    return replace(made, said=(*source.said, *inputs.said, *_beside(source, places, config), _said(made)))


def _complete(source: Source, config: DatasetConfig) -> Source:
    """Of tables, without the rows that lack values, where these are to be left out."""
    if not is_frame(source.x):
        return source
    from ablate.preprocessing.columns import missing  # imports pandas

    changed: dict[str, Any] = {"said": tuple(source.said)}
    for part in ("", "val_", "test_"):
        x = getattr(source, f"{part}x")
        if x is None:
            continue
        kept, said = missing(x, config)
        changed["said"] += said
        beside = (f"{part}y", *(("group", "time", "weight") if not part else ()))
        changed[f"{part}x"] = x[kept]
        changed |= {name: array[kept] for name in beside if (array := getattr(source, name)) is not None}
    return replace(source, **changed)


def _in_time(source: Source, config: Any) -> Source:
    """With times that can be put in order."""
    if source.time is None:
        return source
    from ablate.preprocessing.dates import in_order  # imports pandas

    named = getattr(config, "time", None) or ""
    try:
        time, how = in_order(source.time)
    except ValueError as error:
        raise ConfigError(f"dataset.time={named}: {error}") from None
    return replace(source, time=time, said=(*source.said, f"dataset.time={named}: {how}; the latest are tested on"))


def _beside(source: Source, places: Mapping[str, np.ndarray], config: Any) -> Iterator[str]:
    """What is said of groups and weights."""
    if source.group is not None:
        groups = " + ".join(f"{len(np.unique(source.group[at])):,}" for at in places.values())
        yield f"dataset.group={config.group}: {groups} groups in {listed(places)}, none in two parts"
    if source.weight is not None:
        low, high = source.weight.min(), source.weight.max()
        yield f"dataset.weight={config.weight}: from {low:g} to {high:g}, in losses and metrics"


def _in_proportion(source: Source, wanted: Target) -> np.ndarray:
    """What stays in proportion in all parts: the classes, where there are any."""
    n = len(source.y)
    return wanted.encode(source.y) if wanted.classes else np.zeros(n, dtype=np.int64)


def _in_memory(config: DatasetConfig, parts: Sequence[tuple[Any, np.ndarray]]) -> bool:
    """Whether samples are kept in memory: a table's are, others where that leaves room."""
    needed = sum(memory.FLOAT * len(at) * math.prod(x.shape[1:]) for x, at in parts)
    if any(is_frame(x) for x, _ in parts):
        if config.in_memory is False:
            raise refuse("dataset.in_memory", False, "is for arrays and images; a table is read into memory")
        return True
    if config.in_memory:
        memory.demand("dataset.in_memory: the samples", needed)
    return needed < ROOM * memory.free() if config.in_memory is None else config.in_memory


def _numbers(x: Any, at: np.ndarray, inputs: Inputs, config: DatasetConfig) -> Tensor:
    """All samples at these places, [n, *shape]."""
    if is_frame(x):
        numbers = inputs.transform(x.iloc[at])
    else:
        numbers = np.empty((len(at), *x.shape[1:]), np.float32)
        done = 0
        for piece in pieces(x, at):
            numbers[done : done + len(piece)] = inputs.transform(piece)
            done += len(piece)
    if not np.isfinite(numbers).all():
        raise refuse("dataset.scaling", config.scaling, "makes numbers that are too large for 32 bits")
    return torch.from_numpy(numbers)


def _tensor(array: np.ndarray | None) -> Tensor | None:
    return None if array is None else torch.from_numpy(array)


def _check_classes(made: Split, source: Source, places: Collection[str], config: DatasetConfig) -> None:
    """A class that is not trained on can't be told; one that is not tested on, only where chance splits, is refused."""
    by_chance = source.group is None and source.time is None
    for name, part in made.parts.items():
        missing = len(made.target.classes) - len(part.y.unique()) if made.target.classes else 0
        if missing and name == "train" and not by_chance:
            key = "time" if source.time is not None else "group"
            said = f"leaves the train part without a sample of {missing} of the {len(made.target.classes)} classes"
            raise ConfigError(f"dataset.{key}: {said}")
        if missing and by_chance and name in places:
            key = "test_fraction" if name == "test" and hasattr(config, "test_fraction") else "val_fraction"
            if name == "train" and config.samples is not None:
                key = "samples"
            said = f"leaves the {name} part without a sample of {missing} of the {len(made.target.classes)} classes"
            numbers = source.y.dtype.kind in "iuf" and source.classes is None
            raise refuse(
                f"dataset.{key}", getattr(config, key), said + "; numbers are learnt by task=regression" * numbers
            )


def _name(config: Any) -> str:
    path = getattr(config, "path", None)
    return PurePath(path).name if isinstance(path, str) else config.name


def _said(made: Split) -> str:
    """One line: the task, the rows of each part, features, and the classes with their shares."""
    told, target = made.described, made.target
    of = f" ({target.name})" if target.name else ""
    rows = " + ".join(f"{n:,}" for n in told["rows"].values())
    reading = f", read while training ({count(readers(), 'reader')})" if made.streamed else ""
    features = "×".join(map(str, made.shape))
    line = f"{target.task}{of}; training + validation + test: {rows} samples of {features} numbers{reading}"
    if told["classes"]:
        shares = [f"{label} {100 * share:.1f} %" for label, share in zip(told["classes"], told["shares"], strict=True)]
        more = [f"{len(shares) - NAMED} more"] * (len(shares) > NAMED)
        line += f"; {count(len(shares), 'class')[:-1] + 'es'}: {listed([*shares[:NAMED], *more])}"
    return line
