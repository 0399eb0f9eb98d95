"""Hydra callbacks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ablate.config import advice
from ablate.errors import ConfigError
from ablate.files import first_missing


class Refused(BaseException):
    """Carries an error past Hydra, which turns an Exception in a callback into a warning."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Prepare(Callback):
    """Refuses a bad config, or data that can't be had, before Hydra makes a folder for the run."""

    # Of the command that this process carries out: its folder, whether that is a sweep's, the uppermost folder
    # that Hydra will have made for it, and whether training has begun.
    folder: Path | None = None
    sweep = False
    made: Path | None = None
    training = False

    @classmethod
    def forget(cls) -> None:
        cls.folder, cls.sweep, cls.made, cls.training = None, False, None, False

    @classmethod
    def _place(cls, folder: Any, sweep: bool) -> None:
        cls.folder, cls.sweep = Path(str(folder)).absolute(), sweep
        cls.made = first_missing(cls.folder)

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        from ablate.cli import check

        try:
            if config.get("study") is not None:
                name = config.hydra.runtime.choices.get("study") or "NAME"
                raise ConfigError(f"study={name}: is a sweep: python -m ablate -m study={name}")
            checked = check(config)
            for line in advice(checked):
                print(f"warning: {line}", file=sys.stderr)
            self._place(config.hydra.run.dir, sweep=False)
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            self._place(config.hydra.sweep.dir, sweep=True)
        except Exception as error:
            raise Refused(error) from error
