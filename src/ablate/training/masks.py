"""The masks that a layer of every run draws in training, by the regularizer that the layer is of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ablate import regularizers
from ablate.regularizers import Regularizer
from ablate.utils.seeds import DROPOUT, Draws, generator


class Masks:
    """Masks for one layer of every run.

    A run draws from a generator of its own for this layer (`index`, its place in the model) and epoch, so its masks
    don't depend on what else is in the stack. The mask of a run of strength 0 is 1.
    """

    def __init__(
        self, regularizer: Regularizer, strengths: list[float], seeds: Sequence[int], index: int, device: torch.device
    ) -> None:
        having = [i for i, value in enumerate(strengths) if value]
        self.span = slice(having[0], having[-1] + 1)  # stack.py sorts runs so that this holds few others
        self.strength = torch.tensor(strengths[self.span], dtype=torch.float64)
        without = [i for i, value in enumerate(strengths[self.span]) if not value]
        self.without = torch.tensor(without, dtype=torch.int64, device=device)
        self.seeds, self.index, self.device = seeds[self.span], index, device
        assert regularizer.masks is not None
        self.fill = regularizer.masks
        self.masks: dict[tuple[torch.Size, int], Tensor] = {}
        self.held = False  # whether a second pass takes the masks of the first

    def start_epoch(self, epoch: int) -> None:
        generators = [generator(seed, DROPOUT, epoch, self.index, self.device) for seed in self.seeds]
        self.random = Draws(generators, self.device)

    def draw(self, shape: torch.Size, call: int = 0) -> Tensor:
        """Masks for an input of this shape, [runs, …]; call: which use of the layer in a forward pass."""
        if (shape, call) not in self.masks:
            self.masks[shape, call] = torch.ones(shape, device=self.device)
        mask = self.masks[shape, call]
        if not self.held:
            own = mask[self.span]
            self.fill(self.strength, self.random, own)
            if len(self.without):
                own.index_fill_(0, self.without, 1.0)
        return mask


def of_layers(
    models: Sequence[nn.Module], name: str, seeds: Sequence[int], index: int, device: torch.device
) -> Masks | None:
    """The masks of the layer of this name in every run's model; None where no run has any strength there."""
    layers = [model.get_submodule(name) for model in models]
    strengths = [float(layer.p) for layer in layers]  # type: ignore[arg-type]
    regularizer = regularizers.of_layer(layers[0])
    return Masks(regularizer, strengths, seeds, index, device) if regularizer and any(strengths) else None


@contextmanager
def held(masks: Sequence[Masks]) -> Iterator[None]:
    """A second pass through the model, which takes the masks of the first."""
    for each in masks:
        each.held = True
    try:
        yield
    finally:
        for each in masks:
            each.held = False
