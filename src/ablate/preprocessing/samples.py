"""What a run trains, chooses and tests on: three parts of a source's samples, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate.preprocessing.inputs import Inputs
from ablate.preprocessing.saving import dumps
from ablate.preprocessing.streams import Stream
from ablate.preprocessing.targets import Target
from ablate.utils.text import shown


@dataclass(frozen=True)
class Part:
    """x: float32 [n, *shape], or a stream, which reads them; y: int64 [n] of classes, float32 [n, k] of labels or
    numbers; weight: float64 [n], of the samples in losses and metrics, or None where all count alike.
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
