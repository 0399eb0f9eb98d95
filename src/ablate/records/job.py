"""What there is to do. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ablate.config import identity
from ablate.config.schema import Config


@dataclass(frozen=True)
class Job:
    """A run, the folder that it writes to, and the command that does it alone."""

    config: Config
    folder: Path
    command: str = ""

    @cached_property
    def arm_id(self) -> str:
        """Which arm it is of: a short hash of what its runs have in common."""
        return identity.arm_id(self.config.model_dump())

    @cached_property
    def run_id(self) -> str:
        """Who this run is: a hash of its config, its data and its kind of device.

        Raises:
            ConfigError: the dataset can't be had.
        """
        from ablate.preprocessing.splits import split
        from ablate.training.numerics import device

        data = split(self.config.dataset, self.config.split_seed).fingerprint
        return identity.run_id(self.config.model_dump(), data, device(self.config).type)
