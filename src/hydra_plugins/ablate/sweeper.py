"""`hydra/sweeper=study`, the default: Hydra's basic sweeper, with arms that add up, and nothing done twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

ALL = -1  # of hydra.sweeper.max_batch_size: no limit, as for Hydra's own sweeper


@dataclass
class StudyConfig:
    _target_: str = "hydra_plugins.ablate.sweeper.StudySweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = field(default=None)


ConfigStore.instance().store(group="hydra/sweeper", name="study", node=StudyConfig, provider="ablate")


class StudySweeper(BasicSweeper):
    """Launches the runs of a study, or the product of what was typed.

    The task function may have a say in it, with an attribute `prepare`: a function of the sweep's config and of
    its jobs, each its arm's name and its overrides, and of a function that composes and checks one. It returns
    the overrides of those that are left to do, and raises where a job is wrong, before anything is written.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from ablate.cli.composing import Composer

        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        # The stacked launcher has a composer, and takes over what is composed and checked here.
        own = Composer(hydra_context.config_loader, config, task_function)
        self.composer: Composer = getattr(self.launcher, "composer", own)
        self.prepare: Callable[..., Any] | None = getattr(task_function, "prepare", None)

    def sweep(self, arguments: list[str]) -> Any:
        from ablate.analysis import studies
        from ablate.cli.composing import override, returned
        from ablate.records.names import MULTIRUN
        from ablate.utils.errors import refuse
        from ablate.utils.files import write

        assert self.hydra_context is not None and self.config is not None and self.launcher is not None
        if (most := self.max_batch_size) is not None and most < 1 and most != ALL:
            raise refuse("hydra.sweeper.max_batch_size", most, f"must be 1 or more; {ALL} or null: all runs at once")
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        study, folder = studies.study(self.config), str(self.config.hydra.sweep.dir)
        jobs: list[tuple[str | None, list[str]]] = []
        for arm, overrides in studies.arms(study, [*self._parse_config(), *arguments], parser.parse_overrides):
            # A job doesn't know of the study, which is what names the folder.
            place = [override("hydra.sweep.dir", folder)] * (study is not None)
            studies.countable(overrides, already=len(jobs))
            jobs += [(arm, [*job, *place]) for job in self.split_arguments(overrides, None)[0]]
        left = [job for _, job in jobs]
        if self.prepare is not None:
            left = self.prepare(self.config, jobs, self.composer.check)
        Path(folder).mkdir(parents=True, exist_ok=True)
        write(Path(folder, MULTIRUN), OmegaConf.to_yaml(self.config))
        returns: list[Sequence[JobReturn]] = []
        size = len(left) if most in (None, ALL) else most
        for begin in range(0, len(left), size or 1):
            returns.append(self.launcher.launch(left[begin : begin + size], initial_job_idx=begin))
        for job_return in chain.from_iterable(returns):
            returned(job_return)  # raises what a job raised, when all are done
        return returns
