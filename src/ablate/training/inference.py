"""What a run's kept weights say of new samples, to the same bits as its evaluation in training said it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ablate import models
from ablate.options.schema import ModelConfig
from ablate.training import batches, executors
from ablate.training.numerics import flushed_denormals, threads
from ablate.training.parameters import Parameters, layout
from ablate.utils.errors import ConfigError
from ablate.utils.seeds import INITIALISATION, derive


class Kept:
    """A model with the weights that a run kept, computed by the executor that trained it, in batches of its size.

    Of the same samples in the same order it says the same, to the last bit, in every process. In another order, or
    beside others, the last digits of a sample may be rounded otherwise.
    """

    def __init__(
        self,
        config: ModelConfig,
        state: Mapping[str, Tensor],
        shape: tuple[int, ...],
        outputs: int,
        seed: int,
        rows: Mapping[str, int],
        batch_size: int,
        device: torch.device,
    ) -> None:
        """state: the state dict that it kept; shape: of a sample; seed: the run's; rows: samples of its parts.

        Raises:
            ConfigError: the model can't be built, or the weights are another's.
        """
        models.fits(config, shape, outputs)
        way, _ = executors.chosen(config, shape, outputs, batches.sizes(rows, batch_size))
        self.model = models.build(config, shape, outputs, derive(seed, INITIALISATION))
        _load(self.model, state)
        slots = layout(self.model)
        parameters = Parameters.of([self.model], slots).to(device)
        gradients = torch.zeros_like(parameters.weights)
        views = {slot.name: slot.of(gradients) for slot in slots}
        self.executor = way([self.model], [seed], parameters.views(slots), views)
        self.threads = executors.parallelism(way, parameters.weights.shape[1], batch_size)
        self.device = device
        self.model.eval()

    def logits(self, x: Tensor) -> Tensor:
        """[outputs, n] of x, float32 [n, *shape]."""
        found = []
        with threads(self.threads), flushed_denormals():
            for begin in range(0, len(x), batches.EVALUATION_BATCH):
                piece = x[begin : begin + batches.EVALUATION_BATCH].to(self.device)
                found.append(self.executor.forward(piece.unsqueeze(0))[0].cpu())
        return torch.cat(found, 1)


def _load(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give a model these weights, all of them and no others."""
    wanted = model.state_dict()
    for name in [*wanted, *state]:
        here, there = (_told(tensors.get(name)) for tensors in (wanted, state))
        if here != there:
            raise ConfigError(f"{name}: is {there}, and the model has {here}: these are another model's weights")
    model.load_state_dict(state)


def _told(tensor: Tensor | None) -> str:
    return "none" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
