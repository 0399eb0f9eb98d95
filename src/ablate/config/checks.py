"""From what Hydra composed to a typed `Config`, or one line that says what is wrong with it.

Nothing here imports torch, so that a wrong key is answered at once.
"""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablate import regularizers
from ablate.config.ignored import refuse_unheeded
from ablate.config.schema import Config
from ablate.options.schema import plain
from ablate.utils.errors import ConfigError, refuse

NOT_OURS = ("hydra", "experiment", "study")  # nodes of a composed config that say nothing of a single run


def check(composed: DictConfig) -> Config:
    """The typed config of one run.

    Raises:
        ConfigError: a key is missing, unknown, of the wrong type or out of range.
    """
    if "hydra" in composed:  # not where it was composed for one's own ends
        refuse_unheeded(composed)
    try:
        ours = OmegaConf.masked_copy(composed, [str(key) for key in composed if key not in NOT_OURS])
        given: Any = OmegaConf.to_container(ours, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        said = str(error.msg or error).strip().splitlines()[0]
        raise ConfigError(f"{error.full_key or 'config'}: {said}") from None
    _check_plain(given)
    config = Config.of(given)
    _check_together(config)
    return config


def _check_plain(node: dict[str, Any], above: str = "") -> None:
    """Results are read back by the same measure: what is trained is found again."""
    for key, value in node.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            _check_plain(value, f"{name}.")
            continue
        try:
            plain(value)
        except ValueError as error:
            raise refuse(name, value, str(error)) from None


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
