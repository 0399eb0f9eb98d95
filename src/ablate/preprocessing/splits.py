"""From samples to the three parts that a run trains, chooses and tests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from ablate import data
from ablate.data import Source
from ablate.options.schema import DatasetConfig, Keyed
from ablate.preprocessing.fingerprints import fingerprint
from ablate.preprocessing.inputs import Inputs, fitted, is_frame, pieces
from ablate.preprocessing.parts import parts
from ablate.preprocessing.saving import dumps
from ablate.preprocessing.streams import Stream, readers
from ablate.preprocessing.targets import Target, target
from ablate.utils import memory
from ablate.utils.errors import ConfigError, refuse
from ablate.utils.text import count, listed, shown

ROOM = 0.25  # of the free memory that samples may take
NAMED = 10  # classes whose shares are said


@dataclass(frozen=True)
class Part:
    """x: float32 [n, *shape], or a stream, which reads them; y: int64 [n] of classes, float32 [n, k] of labels or
    numbers; weight: float32 [n], of the samples in losses and metrics, or None where all count alike.
    """

    x: Tensor | Stream
    y: Tensor
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def samples(self) -> np.ndarray | Stream:
        """To be indexed by places, [n, *shape]."""
        return self.x.numpy() if isinstance(self.x, Tensor) else self.x

    @property
    def bytes(self) -> int:
        """That are in memory."""
        return sum(tensor.nbytes for tensor in (self.x, self.y, self.weight) if isinstance(tensor, Tensor))


@dataclass(frozen=True)
class Facts:
    """What is to be known of a split without its samples.

    shape: of one sample; outputs: how many numbers a model gives; parts: how many samples each has; bytes: of all;
    streamed: whether the samples are read while training; said: lines about how it was made.
    """

    shape: tuple[int, ...]
    outputs: int
    task: str
    parts: Mapping[str, int]
    bytes: int
    fingerprint: str
    streamed: bool
    said: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """answers: the test part's targets as metrics take them: encoded, or numbers in their own unit, float64 [n, k];
    columns: how many the samples had before they became numbers; None of arrays.
    """

    train: Part
    val: Part
    test: Part
    answers: np.ndarray
    target: Target
    inputs: Inputs
    fingerprint: str  # of the samples as they came, before split and scaling
    name: str = ""
    columns: int | None = None
    said: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.x.shape[1:])

    @property
    def outputs(self) -> int:
        """How many numbers a model gives: of two classes one, the logit of the second."""
        return self.target.outputs

    @property
    def parts(self) -> dict[str, Part]:
        return {"train": self.train, "val": self.val, "test": self.test}

    @cached_property
    def saved(self) -> tuple[str, bytes | None]:
        """What prediction needs of it: see `saving.dumps`."""
        return dumps(self)

    @property
    def streamed(self) -> bool:
        return isinstance(self.train.x, Stream)

    @property
    def described(self) -> dict[str, Any]:
        """What a result tells of it: what it is called, the task, how many there are; shares: of each class in the
        training part.
        """
        classes = self.target.classes
        counts = self.train.y.bincount(minlength=len(classes)) if classes else torch.zeros(0)
        return {
            "name": self.name,
            "task": self.target.task,
            "target": self.target.name or None,
            "rows": {name: len(part) for name, part in self.parts.items()},
            "columns": self.columns,
            "features": int(np.prod(self.shape)),
            "classes": [shown(label) for label in classes] or None,
            "shares": (counts / len(self.train)).tolist() or None,
        }

    @property
    def facts(self) -> Facts:
        rows = {name: len(part) for name, part in self.parts.items()}
        size = sum(part.bytes for part in self.parts.values())
        return Facts(self.shape, self.outputs, self.target.task, rows, size, self.fingerprint, self.streamed, self.said)


Asked = tuple[Keyed, str]  # a dataset with the seed of its split, and a task
KEPT = 256 * 2**20  # bytes of splits that stay for whoever asks next, beside those in use; the last stays anyway

_used: WeakValueDictionary[Asked, Split] = WeakValueDictionary()
_kept: dict[Asked, Split] = {}
_facts: dict[Asked, Facts] = {}


def split(dataset: DatasetConfig, seed: int, task: str = "auto") -> Split:
    """The split of a dataset that this seed gives, on the CPU. Equal ones are one, and share its memory.

    Raises:
        ConfigError: files are missing or damaged, or a part would lack samples of a class.
    """
    asked = _asked(dataset, seed, task)
    found = _used.get(asked)
    if found is None:
        found = _used[asked] = _split(*asked)
        _facts[asked] = found.facts
    if _kept.pop(asked, None) is None:
        _make_room(_facts[asked].bytes)
    _kept[asked] = found  # the last that was asked for is the last to go
    return found


def facts(dataset: DatasetConfig, seed: int, task: str = "auto") -> Facts:
    """What is to be known of `split`, without making it anew where it has been made once.

    Raises:
        ConfigError: as `split` does.
    """
    asked = _asked(dataset, seed, task)
    if asked not in _facts:
        split(dataset, seed, task)
    return _facts[asked]


def _make_room(wanted: int) -> None:
    oldest = list(_kept)
    there = wanted + sum(_facts[key].bytes for key in oldest)
    for key in oldest:
        if there <= KEPT:
            return
        there -= _facts[key].bytes
        _kept.pop(key, None)


def _asked(dataset: DatasetConfig, seed: int, task: str) -> Asked:
    return Keyed.of(dataset.model_copy(update={"split_seed": seed})), task


def _split(asked: Keyed, task: str) -> Split:
    config = asked.config
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
        weight = source.weight[at].astype(np.float32) if source.weight is not None and name in places else None
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
    _check_classes(made, source, config)
    return replace(made, said=(*source.said, *inputs.said, _said(made)))


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


def _check_classes(made: Split, source: Source, config: DatasetConfig) -> None:
    """A class that is not trained on can't be told; one that is not tested on, only where chance splits, is refused."""
    by_chance = source.group is None and source.time is None
    for name, part in made.parts.items():
        missing = len(made.target.classes) - len(part.y.unique()) if made.target.classes else 0
        if missing and (by_chance or name == "train"):
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
