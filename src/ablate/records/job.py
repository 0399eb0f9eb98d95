"""What there is to do. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ablate.config import identity
from ablate.config.schema import Config


@dataclass(frozen=True)
class Job:
    """A run, the folder that it writes to, and the command that does it alone."""

    config: Config
    folder: Path
    command: str = ""

    def at(self, folder: Path) -> Job:
        """The same run in another folder; what is known of it by now isn't asked for again."""
        other = replace(self, folder=folder)
        vars(other).update({name: value for name, value in vars(self).items() if name not in vars(other)})
        return other

    @cached_property
    def arm_id(self) -> str:
        """Which arm it is of: a short hash of what its runs have in common.

        Raises:
            ConfigError: the dataset can't be had.
        """
        return identity.arm_id(self.config.model_dump(), self.origin["code"])

    @cached_property
    def run_id(self) -> str:
        """Who this run is: a hash of its config and its origin.

        Raises:
            ConfigError: the dataset can't be had.
        """
        return identity.run_id(self.config.model_dump(), self.origin)

    @cached_property
    def origin(self) -> dict[str, Any]:
        """What decides the run's result beside its config (`identity.origin`), as it is when it is first asked for.

        Raises:
            ConfigError: the dataset can't be had; the code of an option can't be read.
        """
        from ablate.config.in_use import code_of
        from ablate.preprocessing.splits import facts
        from ablate.training import optimizers
        from ablate.training.numerics import device

        data = facts(self.config.dataset, self.config.split_seed, self.config.task)
        code = code_of(self.config, data.shape, data.outputs) | optimizers.code_of(self.config.optimizer)
        return identity.origin(code, data.fingerprint, device(self.config).type)
