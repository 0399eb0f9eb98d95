"""Samples as the numbers that a model is given, read when they are needed: of sources that don't fit into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate.preprocessing.inputs import Inputs
from ablate.utils.arrays import fresh
from ablate.utils.errors import ConfigError

AHEAD = 2  # batches that a process reads ahead


class Stream:
    """Rows of a source. Indexed like a tensor [n, *shape] by an array of places.

    x: an array that is mapped, or reads what is asked for; places: of the rows in it.
    """

    def __init__(self, x: Any, places: np.ndarray, inputs: Inputs) -> None:
        self.x, self.places, self.inputs = x, places, inputs
        self.shape = (len(places), *x.shape[1:])

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any) -> np.ndarray:
        """float32, of one place or of an array of them.

        Raises:
            ConfigError: a sample can't be read, or is too large for 32 bits.
        """
        wanted, back = np.unique(self.places[index], return_inverse=True)
        found = self.inputs.transform(np.asarray(fresh(self.x)[wanted]))
        if not np.isfinite(found).all():
            raise ConfigError("dataset: scaling makes numbers that are too large for 32 bits")
        return found[back.reshape(np.shape(index))]


class Joined:
    """Streams of several splits, one behind the other."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.streams = streams
        self.ends = np.cumsum([len(stream) for stream in streams])
        self.shape = (int(self.ends[-1]), *streams[0].shape[1:])

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        found = np.empty((len(index), *self.shape[1:]), np.float32)
        which = np.searchsorted(self.ends, index, side="right")
        for place, stream in enumerate(self.streams):
            rows = np.flatnonzero(which == place)
            if len(rows):
                found[rows] = stream[index[rows] - (self.ends[place] - len(stream))]
        return found


class _Batches(torch.utils.data.Dataset[Tensor | ConfigError]):
    """What a loader is given: of each batch, the places of its samples, [runs, batch]."""

    def __init__(self, x: Stream | Joined, batches: Sequence[np.ndarray]) -> None:
        self.x, self.batches = x, batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, place: int) -> Tensor | ConfigError:
        """An error is returned: one that is raised in a reader comes with the whole traceback as its words."""
        try:
            return torch.from_numpy(self.x[self.batches[place].reshape(-1)])
        except ConfigError as error:
            return error


def read(x: Stream | Joined, batches: Sequence[np.ndarray]) -> Iterator[Tensor]:
    """The samples of batches, float32 [runs × batch, *shape], by processes that read ahead where there can be some.

    batches: places, [runs, batch].

    Raises:
        ConfigError: a sample can't be read.
    """
    loader = torch.utils.data.DataLoader(
        _Batches(x, batches),
        batch_size=None,
        num_workers=readers(),
        prefetch_factor=AHEAD if readers() else None,
        multiprocessing_context="fork" if readers() else None,
    )
    for found in loader:
        if isinstance(found, ConfigError):
            raise found
        yield found


def readers() -> int:
    """How many processes read: one a core, none where a process can't have any of its own."""
    import multiprocessing

    if multiprocessing.current_process().daemon or not hasattr(os, "fork"):
        return 0
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
