"""Hydra callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ablate.config import advice
from ablate.console import complain
from ablate.errors import ConfigError
from ablate.files import first_missing


class Refused(BaseException):
    """Carries an error past Hydra, which turns an Exception in a callback into a warning."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Prepare(Callback):
    """Refuses a bad config, or data that can't be had, before Hydra makes a folder for the run."""

    # Of the command that this process carries out: its folder, held by locks, whether that is a sweep's, which of
    # its runs had a result already, the uppermost folder that was made for it, and whether training has begun.
    folder: Path | None = None
    locks: ClassVar[list[FileLock]] = []
    sweep = False
    reused: ClassVar[set[str]] = set()
    made: Path | None = None
    training = False

    @classmethod
    def forget(cls) -> None:
        cls.folder, cls.sweep, cls.reused, cls.made, cls.training = None, False, set(), None, False

    @classmethod
    def _place(cls, folder: Any, sweep: bool) -> None:
        cls.folder, cls.sweep = Path(str(folder)).absolute(), sweep
        cls.made = first_missing(cls.folder)

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        from ablate.cli import check, hold

        try:
            if config.get("study") is not None:
                name = config.hydra.runtime.choices.get("study") or "NAME"
                raise ConfigError(f"study={name}: is a sweep: python -m ablate -m study={name}")
            checked = check(config)
            for line in advice(checked):
                complain(f"warning: {line}")
            self._place(config.hydra.run.dir, sweep=False)
            hold(Path(config.hydra.run.dir))
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            self._place(config.hydra.sweep.dir, sweep=True)
        except Exception as error:
            raise Refused(error) from error
