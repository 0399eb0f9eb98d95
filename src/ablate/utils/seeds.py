"""Random numbers: a stream for every purpose, each from the run's seed alone.

Split, initialisation, batch order and dropout don't share a generator, so switching one of them off leaves
the others as they were: arms with the same seed are paired. Order and dropout start a new stream every
epoch, so (seed, epoch) is all the state there is.
"""

from __future__ import annotations

import numpy as np
import torch

Device = torch.device | str
SPLIT, INITIALISATION, ORDER, DROPOUT = range(4)


def derive(seed: int, purpose: int, *where: int) -> int:
    """A 64-bit seed for one purpose of the run with this seed; where: the epoch and layer it is for, if any."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, *where))
    return int(sequence.generate_state(1, np.uint64)[0])


def numpy_generator(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(derive(seed, purpose))


def generator(seed: int, purpose: int, epoch: int, layer: int = 0, device: Device = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(derive(seed, purpose, epoch, layer))
