"""`hydra/sweeper=checked`, the default: Hydra's basic sweeper, with every job's config checked before the first."""

from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class CheckedConfig:
    _target_: str = "hydra_plugins.ablate.sweeper.CheckedSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = field(default=None)


ConfigStore.instance().store(group="hydra/sweeper", name="checked", node=CheckedConfig, provider="ablate")


class CheckedSweeper(BasicSweeper):
    """Refuses a sweep with a bad job before anything is written, where the task function can tell (composing.py)."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from ablate.composing import Composer

        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        # The stacked launcher has a composer, and takes over what is composed and checked here.
        own = Composer(hydra_context.config_loader, config, task_function)
        self.composer: Composer = getattr(self.launcher, "composer", own)

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        for batch in self.split_arguments(overrides, self.max_batch_size):
            for job in batch:
                self.composer.check(job)
        return super().sweep(arguments)

    def validate_batch_is_legal(self, overrides: Any) -> None:
        """`sweep` has done it."""
