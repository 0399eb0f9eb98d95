"""What Hydra calls before it makes a folder: bad configs are refused, and data that can't be had."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ablate.analysis import studies
from ablate.cli.command import Command
from ablate.cli.places import hydras, places, refuse_others
from ablate.cli.task import check
from ablate.config.advice import advice
from ablate.records.job import Job
from ablate.records.ownership import RUN, SWEEP
from ablate.utils.console import complain
from ablate.utils.errors import ConfigError

# Hydra makes callbacks of names in its config, so this is how one gets at the command that is carried out.
CARRIED_OUT: ContextVar[Command] = ContextVar("CARRIED_OUT")


class Refused(BaseException):
    """Carries an error past Hydra, which turns an Exception in a callback into a warning."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Prepare(Callback):
    """Refuses a bad config, and notes in the command where it writes to."""

    def __init__(self, command: Command | None = None) -> None:
        self.command = command or CARRIED_OUT.get(Command())

    def __reduce__(self) -> Any:  # other launchers send callbacks to processes, to which the command doesn't belong
        return Prepare, (Command(),)

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        try:
            if studies.study(config) is not None:
                name = config.hydra.runtime.choices.get("study") or "NAME"
                raise ConfigError(f"study={name}: is a sweep: python -m ablate -m study={name}")
            checked = check(config)
            for line in advice(checked):
                complain(f"warning: {line}")
            self.command.take(places(config, "hydra.run.dir"), RUN, hydras(config))
            refuse_others(Job(checked, Path(str(config.hydra.run.dir))))
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            self.command.take(places(config, "hydra.sweep.dir"), SWEEP)
        except Exception as error:
            raise Refused(error) from error
