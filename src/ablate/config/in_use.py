"""The code of the options that a run uses, by module: what of it decides the run's result."""

from __future__ import annotations

from functools import lru_cache

from ablate import models, regularizers
from ablate.config.schema import Config
from ablate.options import code
from ablate.options.discovery import DATASETS, MODELS, REGULARIZERS, Group
from ablate.options.schema import Keyed, Schema
from ablate.options.target import Target


def code_of(config: Config, shape: tuple[int, ...], outputs: int) -> dict[str, str]:
    """Digests of the modules of its dataset, its model and the regularizers that act, and of what they import.

    shape, outputs: of its samples and of its logits.

    Raises:
        ConfigError: a source can't be read; the model can't be built.
    """
    acting = {name for name, strength in config.strengths.items() if strength}
    acting |= _drawing(Keyed.of(config.model), shape, outputs, regularizers.names())
    found = code.of_modules(f"{REGULARIZERS.package}.{name}" for name in sorted(acting))
    return found | of_option(config.dataset, DATASETS) | of_option(config.model, MODELS)


def of_option(chosen: Schema, group: Group) -> dict[str, str]:
    """Digests of the modules of a dataset or a model, and of what they import."""
    if isinstance(chosen, Target):
        return chosen.code()
    return code.of_modules([f"{group.package}.{chosen.name}"])  # type: ignore[attr-defined]


@lru_cache(maxsize=1024)
def _drawing(asked: Keyed, shape: tuple[int, ...], outputs: int, known: tuple[str, ...]) -> frozenset[str]:
    """The regularizers whose masks layers of a model draw. known: all that there are."""
    layers = models.build(asked.config, shape, outputs, seed=0).modules()
    drawn = (regularizers.of_layer(layer) for layer in layers if getattr(layer, "p", 0))
    return frozenset(one.name for one in drawn if one is not None)
