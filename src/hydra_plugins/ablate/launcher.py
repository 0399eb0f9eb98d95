"""`hydra/launcher=stacked`, the default: jobs that can train together do."""

import logging
import pickle
import zlib
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

log = logging.getLogger(__name__)


@dataclass
class StackedConfig:
    _target_: str = "hydra_plugins.ablate.launcher.StackedLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedConfig, provider="ablate")


class Kept(JobReturn):
    """What Hydra returned of a job, its configs packed until they are asked for: those of thousands fill the memory."""

    def __init__(self, returned: JobReturn) -> None:
        vars(self).update(vars(returned))
        self._packed = _packed(vars(self).pop("cfg")), _packed(vars(self).pop("hydra_cfg"))
        if isinstance(self._return_value, BaseException):
            self._return_value.__traceback__ = None  # would hold the configs, and all that was at work

    @cached_property
    def cfg(self) -> DictConfig:  # type: ignore[override]
        return _unpacked(self._packed[0])

    @cached_property
    def hydra_cfg(self) -> DictConfig:  # type: ignore[override]
        return _unpacked(self._packed[1])


def _packed(config: DictConfig) -> bytes:
    return zlib.compress(pickle.dumps(config), level=1)


def _unpacked(packed: bytes) -> Any:
    return pickle.loads(zlib.decompress(packed))  # noqa: S301


class StackedLauncher(Launcher):
    """Lets a task that knows how do all jobs together, then has Hydra run each with the outcome in hand.

    A task function knows how if it has an attribute `together`: a function from the jobs, as they were checked
    (`composing.Checked`), to an iterator of (place, task), in any order, each task a function that returns or raises
    what came of its job. Folders, logs, callbacks and JobReturns are therefore Hydra's own. Any other task function is
    run job by job. An attribute `at_home` that is False says that the process isn't ours: Hydra's logging is left out,
    and the task sees to its job's log.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from ablate.cli.composing import Composer

        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config
        self.composer = Composer(hydra_context.config_loader, config, task_function)
        self.at_home: bool = getattr(task_function, "at_home", True)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        setup_globals()
        self._configure_log()
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        for number, overrides in enumerate(job_overrides, start=initial_job_idx):
            log.info("\t#%d : %s", number, " ".join(filter_overrides(overrides)))
        together = getattr(self.task_function, "together", None)
        every = range(len(job_overrides))
        tasks: Generator[tuple[int, TaskFunction], None, None] = ((place, self.task_function) for place in every)
        if together is not None:
            tasks = together([self.composer.take(job, n) for n, job in enumerate(job_overrides, initial_job_idx)])
        returns: dict[int, JobReturn] = {}
        with closing(tasks):  # whatever ends this, Ctrl-C say, ends the training too, and not when it is collected
            for place, task in tasks:
                job_return = run_job(
                    hydra_context=self.hydra_context,
                    task_function=task,
                    config=self.composer.compose(job_overrides[place], initial_job_idx + place),
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                    configure_logging=self.at_home,
                )
                returns[place] = Kept(job_return) if together is not None else job_return
        self._configure_log()
        return [returns[place] for place in every]

    def _configure_log(self) -> None:
        if self.at_home:
            configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
