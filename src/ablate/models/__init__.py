"""Models. A module here is a model: a `Config` of its keys and `build(config, shape, outputs) -> nn.Module`.

`build` gets the shape of a sample and the number of outputs (1 for two classes: the logit of class 1) and
returns a plain module. Its random numbers come from torch's global generator, which the caller seeds.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any

from ablate import memory
from ablate.discovery import load, modules
from ablate.schema import ModelConfig

if TYPE_CHECKING:
    from torch import nn


def names() -> tuple[str, ...]:
    return modules(__name__)


def schema(name: str) -> type[ModelConfig]:
    return load(__name__, name).Config


def build(config: Any, shape: tuple[int, ...], outputs: int, seed: int) -> nn.Module:
    """The model of a config, initialised from `seed` and nothing else."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return load(__name__, config.name).build(config, shape, outputs)


def fits(config: Any, shape: tuple[int, ...], outputs: int) -> None:
    """Try whether the model can be built for samples of this shape, and trained in the memory that is there.

    Raises:
        ConfigError: it can't.
    """
    _fits(config.name, config.model_dump_json(), shape, outputs)


@cache
def _fits(name: str, dumped: str, shape: tuple[int, ...], outputs: int) -> None:
    import torch

    config = schema(name).model_validate_json(dumped)
    with contextlib.suppress(RuntimeError, NotImplementedError), torch.device("meta"):  # sizes without numbers
        parameters = sum(p.numel() for p in build(config, shape, outputs, seed=0).parameters())
        memory.demand(f"model={name}: its {parameters:,} parameters", memory.FLOAT * memory.BUFFERS * parameters)
    build(config, shape, outputs, seed=0)
