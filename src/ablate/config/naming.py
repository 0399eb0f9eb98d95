"""What arms and the folders of runs and sweeps are called."""

from __future__ import annotations

from collections.abc import Iterable

from omegaconf import DictConfig

from ablate import regularizers
from ablate.config.schema import NOISE, Config
from ablate.utils.files import filename
from ablate.utils.text import strength


def arm(config: Config) -> str:
    """What regularizes this run, in a few words: `none`, `l1=1e-4`, `l1=1e-4 dropout=0.2`."""
    strengths = {name: getattr(config.regularizer, name) for name in regularizers.names()} | config.noise
    words = [f"{name}={strength(strengths[name])}" for name in _ordered(strengths) if strengths[name]]
    if any(config.strengths.values()) and config.regularizer.layers != "all":
        words.append(f"layers={config.regularizer.layers}")
    if config.early_stopping.patience is not None:
        words.append(f"patience={config.early_stopping.patience}")
    elif config.early_stopping.restore_best_weights:
        words.append("best_weights")
    return " ".join(words) or "none"


def _ordered(strengths: Iterable[str]) -> list[str]:
    """A model's own figures come last."""
    return sorted(strengths, key=lambda name: name in NOISE)


def run_folder(*, _root_: DictConfig) -> str:
    """A sweep's folder for a run's arm, `l1=1e-4,dropout=0.2`: how it is regularized, and what else was typed."""
    regularized = {f"regularizer.{name}" for name in ("layers", *regularizers.names())}
    said = regularized | {"regularizer", "early_stopping", "early_stopping.patience"}
    said |= {f"model.{key}" for key in NOISE} | set(_root_.hydra.job.config.override_dirname.exclude_keys)
    typed = [text for text in _root_.hydra.overrides.task if text.split("=")[0].lstrip("+~") not in said]
    unchecked = Config.model_construct(**{str(key): _root_[key] for key in Config.model_fields})
    try:
        return filename(",".join([*arm(unchecked).split(), *typed]))
    except (TypeError, ValueError):  # a strength that is no number: the check, which comes later, says so
        return filename(",".join(_root_.hydra.overrides.task))


def sweep_folder(study: str | None, now: str) -> str:
    """A study has one place, so that the same command finishes what is missing; other sweeps one each."""
    return f"sweeps/{now}" if study is None else f"studies/{filename(study)}"
