"""From what Hydra composed to a typed `Config`, or one line that says what is wrong with it.

Nothing here imports torch, so that a wrong key is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablate import data, models, regularizers
from ablate.config.schema import OPTIMIZERS, Config, strengths
from ablate.options.schema import Schema, typed
from ablate.options.target import TARGET
from ablate.utils.errors import ConfigError, one_of, refuse

NOT_OURS = ("hydra", "experiment", "study")  # nodes of a composed config that say nothing of a single run
TARGETED = ("dataset", "model")  # groups whose options may name a class or function by _target_


def check(composed: DictConfig) -> Config:
    """The typed config of one run.

    Raises:
        ConfigError: a key is missing, unknown, of the wrong type or out of range.
    """
    try:
        ours = OmegaConf.masked_copy(composed, [str(key) for key in composed if key not in NOT_OURS])
        given: Any = OmegaConf.to_container(ours, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        said = str(error.msg or error).strip().splitlines()[0]
        raise ConfigError(f"{error.full_key or 'config'}: {said}") from None
    return typed_config(given)


def typed_config(given: dict[str, Any]) -> Config:
    """The typed config of resolved keys, as they stand in a YAML file.

    Raises:
        ConfigError: as `check`.
    """
    _accept_keras_names(given.get("early_stopping"))
    named: dict[str, tuple[Collection[str], Callable[[dict[str, Any]], type[Schema]]]] = {
        "dataset": (data.names(), data.schema),
        "model": (models.names(), models.schema),
        "optimizer": (OPTIMIZERS, lambda node: OPTIMIZERS[node["name"]]),
    }
    # First, because a model's dropout follows it: a bad value is named where it was given.
    given["regularizer"] = typed(strengths(), given.get("regularizer"), "regularizer")
    for group, (names, schema) in named.items():
        given[group] = typed(_chosen(group, given.get(group), names, schema), given[group], group)
    config = typed(Config, given, "")
    _check_together(config)
    return config


def _chosen(
    group: str, node: Any, names: Collection[str], schema: Callable[[dict[str, Any]], type[Schema]]
) -> type[Schema]:
    """The schema of the option that `group.name`, or a `_target_`, names."""
    if not isinstance(node, dict):
        raise refuse(group, node, "must be a group of keys")
    if TARGET in node and group in TARGETED:
        node.setdefault("name", node[TARGET])
        return schema(node)
    name = node.get("name")
    if not isinstance(name, str) or name not in names:
        raise refuse(f"{group}.name", name, one_of(names, name))
    return schema(node)


def _accept_keras_names(node: Any) -> None:
    """`val_loss` is `loss/val`, `accuracy` is `accuracy/train`: Keras' names for what is monitored."""
    if isinstance(node, dict) and isinstance(node.get("monitor"), str):
        figure = node["monitor"].removeprefix("val_")
        if figure in ("loss", "accuracy"):
            node["monitor"] = f"{figure}/{'val' if node['monitor'].startswith('val_') else 'train'}"


def _check_together(config: Config) -> None:
    """What no key can tell by itself."""
    stopping = config.early_stopping
    right = "max" if stopping.monitor.startswith("accuracy") else "min"
    if stopping.mode != right:
        raise refuse("early_stopping.mode", stopping.mode, f"must be {right} where {stopping.monitor} is monitored")
    fractions = config.dataset.val_fraction + getattr(config.dataset, "test_fraction", 0.0)
    if fractions >= 1:
        raise refuse("dataset.val_fraction", config.dataset.val_fraction, "leaves no samples for training")
    if getattr(config.optimizer, "nesterov", False) and not config.optimizer.momentum:
        raise refuse("optimizer.nesterov", True, "wants a momentum above 0")
    if config.device not in ("auto", "cpu") and not _device_is_there(config.device):
        raise refuse("device", config.device, "is no device of this machine; auto and cpu always are")
    averaging = [name for name, value in config.strengths.items() if value and regularizers.get(name).average]
    if len(averaging) > 1:
        said = f"goes without {averaging[0]}: of a run's weights one average is kept"
        raise refuse(f"regularizer.{averaging[1]}", config.strengths[averaging[1]], said)


def _device_is_there(name: str) -> bool:
    import torch

    try:
        torch.empty(0, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, OSError):
        return False
    return torch.device(name).type != "meta"
