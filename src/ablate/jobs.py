"""What there is to do. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ablate.config import Config


@dataclass(frozen=True)
class Job:
    """A run and the folder that it writes to."""

    config: Config
    folder: Path
