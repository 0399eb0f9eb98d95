"""Models. A module here is a model: a `Config` of its keys and `build(config, shape, outputs) -> nn.Module`.

`build` gets the shape of a sample and the number of outputs (1 for two classes: the logit of class 1) and
returns a plain module. Its random numbers come from torch's global generator, which the caller seeds.

A YAML may also name a class or function by `_target_` (options/target.py), with its arguments beside it.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any

from ablate.options import target
from ablate.options.discovery import MODELS, blamed
from ablate.options.schema import Keyed, ModelConfig
from ablate.utils import memory
from ablate.utils.errors import ConfigError, one_line, refuse

if TYPE_CHECKING:
    from torch import nn


def names() -> tuple[str, ...]:
    return MODELS.names()


def schema(node: dict[str, Any]) -> type[ModelConfig]:
    """The schema of a model's keys, which name it."""
    return target.TargetModel if target.TARGET in node else MODELS.load(node["name"]).Config


def build(config: Any, shape: tuple[int, ...], outputs: int, seed: int) -> nn.Module:
    """The model of a config, initialised from `seed` and nothing else.

    Raises:
        ConfigError: it can't be built.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(config, target.Target):
            built = target.call(config, shape=shape, outputs=outputs)
        else:
            built = MODELS.load(config.name).build(config, shape, outputs)
    if not isinstance(built, nn.Module):
        raise refuse("model", config.name, f"must give a torch.nn.Module, not {type(built).__name__}")
    return built


def fits(config: Any, shape: tuple[int, ...], outputs: int) -> None:
    """Try whether the model can be built for samples of this shape, and trained in the memory that is there.

    Raises:
        ConfigError: it can't.
    """
    _fits(Keyed.of(config), shape, outputs)


@cache
def _fits(asked: Keyed, shape: tuple[int, ...], outputs: int) -> None:
    import torch

    config = asked.config
    parameters = 0
    with contextlib.suppress(Exception), torch.device("meta"):  # sizes without numbers; not every module can do that
        parameters = sum(p.numel() for p in build(config, shape, outputs, seed=0).parameters())
    needed = memory.FLOAT * memory.BUFFERS * parameters
    memory.demand(f"model={config.name}: its {parameters:,} parameters", needed)
    try:
        model = build(config, shape, outputs, seed=0).eval()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            given = model(torch.zeros(2, *shape))
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # whatever a module of the user's may raise
        where = blamed(error, target.file(config) if isinstance(config, target.Target) else MODELS.file(config.name))
        raise ConfigError(f"model={config.name}: {where}: {one_line(error)}") from error
    if not isinstance(given, torch.Tensor) or given.shape != (2, outputs):
        shape_of = f"the shape {list(given.shape)}" if isinstance(given, torch.Tensor) else type(given).__name__
        raise refuse("model", config.name, f"must give logits, [batch, {outputs}]; for 2 samples it gave {shape_of}")
