"""`hydra/launcher=stacked`, the default: jobs that can train together do."""

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

log = logging.getLogger(__name__)


@dataclass
class StackedConfig:
    _target_: str = "hydra_plugins.ablate.launcher.StackedLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedConfig, provider="ablate")


class StackedLauncher(Launcher):
    """Lets a task that knows how do all jobs together, then has Hydra run each with the outcome in hand.

    A task function knows how if it has an attribute `together`: a function from the jobs, each its config,
    as run_job will see it, and what its check gave (cli/composing.py), to an iterator of (place, task), in any
    order, each task a function that returns or raises what came of its job. Folders, logs, callbacks and
    JobReturns are therefore Hydra's own. Any other task function is run job by job. An attribute `at_home` that
    is False says that the process isn't ours: Hydra's logging is left out, and the task sees to its job's log.
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
        jobs = []
        for place, overrides in enumerate(job_overrides, start=initial_job_idx):
            log.info("\t#%d : %s", place, " ".join(filter_overrides(overrides)))
            job = self.composer.take(overrides)
            with open_dict(job[0].hydra.job):
                job[0].hydra.job.id = place
                job[0].hydra.job.num = place
            jobs.append(job)
        together = getattr(self.task_function, "together", None)
        tasks = together(jobs) if together else ((i, self.task_function) for i in range(len(jobs)))
        returns: dict[int, JobReturn] = {}
        with closing(tasks):  # whatever ends this, Ctrl-C say, ends the training too, and not when it is collected
            for place, task in tasks:
                returns[place] = run_job(
                    hydra_context=self.hydra_context,
                    task_function=task,
                    config=jobs[place][0],
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                    configure_logging=self.at_home,
                )
        self._configure_log()
        return [returns[place] for place in range(len(jobs))]

    def _configure_log(self) -> None:
        if self.at_home:
            configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
