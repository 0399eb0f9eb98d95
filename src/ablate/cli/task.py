"""The task that Hydra is given: trains a run, checks one, prepares a sweep, trains jobs together."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ablate.cli import joblog
from ablate.cli.command import Command
from ablate.cli.composing import Checked
from ablate.cli.places import check_folders, not_ours, take
from ablate.cli.prepare import left_to_do
from ablate.config import registration
from ablate.config.advice import advice
from ablate.config.checks import check as checked_config
from ablate.config.schema import Config
from ablate.options import discovery
from ablate.records.job import Job
from ablate.utils import collector
from ablate.utils.console import complain
from ablate.utils.errors import ConfigError, RunFailed

log = logging.getLogger("ablate")


def check(composed: DictConfig) -> Config:
    """A job's config, checked as far as one can without training it: its keys, its data, its model, what acts on it.

    Raises:
        ConfigError: one of them can't be had, or would have no effect.
    """
    checked = checked_config(composed)
    from ablate.preprocessing.splits import facts  # imports torch: a wrong key is answered without
    from ablate.training.reach import fits

    fits(checked, facts(checked.dataset, checked.split_seed, checked.task))
    return checked


class Task:
    """One Hydra job: train a run, record it; its validation loss, for sweepers that search.

    `prepare`, `together` and `at_home` are what our sweeper and our launcher ask of a task, see their docstrings.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.at_home = command.at_home

    def __reduce__(self) -> Any:  # other launchers send the task to processes, to which the command doesn't belong
        return _restored, (discovery.own_folders(), self.command.arguments)

    def __call__(self, composed: DictConfig) -> float:
        """
        Raises:
            ConfigError: the config is wrong. RunFailed: the run diverged or raised; its result.json says how.
        """
        from ablate.cli.progress import RunDisplay, summary
        from ablate.execution.runs import run_all

        settings = HydraConfig.get()
        checked = checked_config(composed)
        folder = Path(settings.runtime.output_dir)
        out, alone = self.command.console, settings.mode == RunMode.RUN
        self.command.training = True
        if alone:
            self._say([checked])
        with self._log(), RunDisplay(checked, out, quiet=not alone) as display:
            command = self._typed(settings.overrides.task, alone=settings.mode != RunMode.MULTIRUN)
            ((_, result),) = run_all([Job(checked, folder, command)], on_rows=display)
        if alone:
            summary(result, folder, out)
        return _outcome(result)

    check = staticmethod(check)

    def prepare(
        self,
        master: DictConfig,
        jobs: Sequence[tuple[str | None, list[str]]],
        checked: Callable[[Sequence[str]], Checked],
    ) -> list[list[str]]:
        """What is left to do of a sweep's jobs."""
        return left_to_do(self.command, master, jobs, checked)

    def together(self, checked: Sequence[Checked]) -> Iterator[tuple[int, Callable[[DictConfig], float]]]:
        """Train all jobs of a launch; yield what came of each."""
        from ablate.cli.progress import SweepDisplay
        from ablate.execution.runs import run_all

        collector.settle()  # what is imported stays: neither collections nor workers need to touch it
        jobs = []
        for own in checked:
            folder = Path(own.folder, own.subdir).absolute()
            jobs.append(Job(own.found, folder, self._typed(own.typed, alone=False)))
        if not jobs:
            raise ConfigError("this sweep has no runs")
        check_folders(jobs)
        for job, own in zip(jobs, checked, strict=True):  # of other sweepers, nobody has looked at these
            if why := not_ours(Path(own.folder), own.subdir, own.hydras):
                raise ConfigError(why)
            take(job, own.hydras)
        self.command.training = True
        for line in dict.fromkeys(line for job in jobs for line in advice(job.config)):
            complain(f"warning: {line}")
        self._say([job.config for job in jobs])
        with SweepDisplay([job.config for job in jobs], self.command.console) as display:
            for place, result in run_all(jobs, on_plan=display.plan, on_rows=display.rows):
                display.result(place, result)
                yield place, partial(self._replay, result, display.lines(place))

    def _say(self, configs: Sequence[Config]) -> None:
        """What was found out about the data, once of each: of splits that follow the seed, of the first."""
        from ablate.preprocessing.splits import facts

        each = {(c.dataset.decides({"split_seed"}), c.task): c for c in reversed(configs)}
        for config in reversed(each.values()):
            for line in facts(config.dataset, config.split_seed, config.task).said:
                self.command.console.prose(line, indent=2)

    def _replay(self, result: dict[str, Any], lines: list[str], _: DictConfig) -> float:
        """The task of a job that has been done: its log, then its outcome."""
        with self._log():
            for line in lines:
                log.info(line)
        return _outcome(result)

    def _log(self) -> AbstractContextManager[None]:
        """The log of the job that is being carried out, where Hydra doesn't see to it."""
        return joblog.written(HydraConfig.get()) if not self.at_home else nullcontext()

    def _typed(self, overrides: Sequence[str], alone: bool) -> str:
        """What one types to do a job alone, and, in a sweep, what was typed for all."""
        sources = [f"--config-dir={folder}" for folder in discovery.own_folders()]
        lines = [[*sources, *overrides], *[self.command.arguments] * (not alone)]
        return "\n".join(f"python -m ablate {shlex.join(line)}".rstrip() for line in lines)


def _restored(own: Sequence[Path], arguments: list[str]) -> Task:
    """A task in a process of another launcher's: options of one's own must be known there before a job is composed."""
    discovery.use(own)
    registration.register()
    return Task(Command(arguments=arguments))


def _outcome(result: dict[str, Any]) -> float:
    if result["status"] != "finished":
        raise RunFailed(f"{result['arm']} seed {result['seed']}: {result['status']}: {result['error']}")
    return float(result["metrics"]["loss/val"])
