"""Which runs can share a stack, and how large a run is: what planning asks before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ablate import models, regularizers
from ablate.config.schema import Config
from ablate.preprocessing.splits import facts
from ablate.training import executors


def signature(config: Config) -> str:
    """What runs must have in common to share a stack."""
    model = config.model.model_dump(exclude=set(config.model.mixes))
    dataset = config.dataset.model_dump(exclude={"split_seed"})
    # A second pass through the model is made for all runs of a stack, or for none.
    twice = [name for name, strength in config.strengths.items() if strength and regularizers.get(name).ascent]
    data = facts(config.dataset, config.split_seed, config.task)  # which may be others of another split
    sizes = (data.task, data.shape, data.outputs, *data.parts.values())
    alike = (config.task, config.loss, config.optimizer.name, config.trainer.batch_size, config.device)
    return repr((dataset, sizes, model, alike, twice))


@dataclass(frozen=True)
class Size:
    """parameters: of one run; epoch: multiplications of one epoch of it, training and evaluation.

    data: bytes of its samples in memory; streamed: whether they are read while training.

    alone: why such runs are trained one after the other, or None; threads: how many pay inside an operation.
    """

    parameters: int
    epoch: int
    data: int
    alone: str | None
    threads: int
    streamed: bool


def size(config: Config) -> Size:
    """How large a run is, roughly: every parameter is taken to be used once a sample."""
    data = facts(config.dataset, config.split_seed, config.task)
    model = models.build(config.model, data.shape, data.outputs, 0)
    parameters = sum(p.numel() for p in model.parameters())
    executor, alone = executors.of(config, data)
    epoch = parameters * (4 * data.parts["train"] + data.parts["val"])
    threads = executors.parallelism(executor, parameters, config.trainer.batch_size)
    return Size(parameters, epoch, data.bytes, alone, threads, data.streamed)
