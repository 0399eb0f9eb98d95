"""Hydra callbacks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ablate.config import advice
from ablate.errors import ConfigError


class Refused(BaseException):
    """Carries an error past Hydra, which turns an Exception in a callback into a warning."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Prepare(Callback):
    """Refuses a bad config, or data that can't be had, before Hydra makes a folder for the run."""

    # Of the command that this process carries out: its folder, held by locks, and whether that is a sweep's.
    folder: Path | None = None
    sweep = False
    reused: ClassVar[set[str]] = set()  # those of its runs that had a result already
    locks: ClassVar[list[FileLock]] = []

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        from ablate.cli import check, hold

        try:
            if config.get("study") is not None:
                name = config.hydra.runtime.choices.study
                raise ConfigError(f"study={name}: is a sweep: python -m ablate -m study={name}")
            checked = check(config)
            for line in advice(checked):
                print(f"warning: {line}", file=sys.stderr)
            hold(Path(config.hydra.run.dir))
        except Exception as error:
            raise Refused(error) from error
        Prepare.folder = Path(config.hydra.run.dir).absolute()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        Prepare.folder, Prepare.sweep = Path(config.hydra.sweep.dir).absolute(), True
