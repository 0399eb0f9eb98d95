"""A run's row of the tab HParams: its arm, and every key that can matter."""

from __future__ import annotations

from typing import Any

from ablate.config import identity
from ablate.config.naming import arm
from ablate.config.schema import Config
from ablate.records.job import Job


def group(job: Job) -> str:
    """The arm, told from others of its name: runs that differ in nothing but their seed are averaged in HParams."""
    return f"{arm(job.config)} · {job.arm_id}"


def hparams(config: Config) -> dict[str, bool | float | str]:
    """Every key that can matter, as one types it."""
    shown = identity.settings(config.model_dump())
    if hasattr(config.model, "dropout"):
        del shown["regularizer.dropout"]  # the model's own figure is in force
    stopping = config.early_stopping
    if stopping.patience is None and not stopping.restore_best_weights:
        shown = {key: value for key, value in shown.items() if not key.startswith("early_stopping.")}
        shown["early_stopping.patience"] = None
    return {key.removesuffix(".name"): _plain(value) for key, value in shown.items()}


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, bool | int | float):
        return value
    return "none" if value is None else str(value).replace(" ", "")
