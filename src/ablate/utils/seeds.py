"""Random numbers: a stream for every purpose, each from the run's seed alone.

Split, initialisation, batch order and dropout don't share a generator, so switching one of them off leaves
the others as they were: arms with the same seed are paired. Order and dropout start a new stream every
epoch, so (seed, epoch) is all the state there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

Device = torch.device | str
SPLIT, INITIALISATION, ORDER, DROPOUT, REGULARIZER, SAMPLES = range(6)


def derive(seed: int, purpose: int, *where: int) -> int:
    """A 64-bit seed for one purpose of the run with this seed; where: the epoch and layer it is for, if any."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, *where))
    return int(sequence.generate_state(1, np.uint64)[0])


def numpy_generator(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(derive(seed, purpose))


def generator(seed: int, purpose: int, epoch: int, layer: int = 0, device: Device = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(derive(seed, purpose, epoch, layer))


class Draws:
    """Random numbers for several runs, each from a generator of its own.

    Every method gives a tensor with a row a run, which doesn't depend on what other runs there are.
    """

    def __init__(self, generators: Sequence[torch.Generator], device: Device) -> None:
        self.generators, self.device = generators, device

    def lanes(self, n: int) -> Tensor:
        """Uniform over int16, [runs, n]: four from each 64-bit draw."""
        words = torch.empty(len(self.generators), -(-n // 4), dtype=torch.int64, device=self.device)
        for row, own in zip(words, self.generators, strict=True):
            row.random_(-(2**63), None, generator=own)
        return words.view(torch.int16)[:, :n]

    def uniform(self, *shape: int) -> Tensor:
        """From 0 to 1, [runs, *shape]."""
        return self._each(lambda own: torch.rand(shape, generator=own, device=self.device))

    def normal(self, *shape: int) -> Tensor:
        """Of mean 0 and variance 1, [runs, *shape]."""
        return self._each(lambda own: torch.randn(shape, generator=own, device=self.device))

    def permutations(self, n: int) -> Tensor:
        """Of 0 … n-1, [runs, n]."""
        return self._each(lambda own: torch.randperm(n, generator=own, device=self.device))

    def _each(self, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        return torch.stack([draw(own) for own in self.generators])
