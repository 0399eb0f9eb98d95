"""Hydra callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ablate.config import check


class Refused(BaseException):
    """Carries an error past Hydra, which turns an Exception in a callback into a warning."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Prepare(Callback):
    """Refuses a bad config, or data that can't be had, before Hydra makes a folder for the run."""

    sweep: Path | None = None  # the folder of the sweep that this process started

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        try:
            checked = check(config)
            from ablate.splits import split

            split(checked)
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        Prepare.sweep = Path(config.hydra.sweep.dir).absolute()
