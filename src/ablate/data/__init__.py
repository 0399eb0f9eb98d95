"""Datasets. A module here is a dataset: a `Config` of its keys and `load(config) -> Source`.

Modules import what is heavy inside `load`, so that a config can be checked without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.discovery import load as _load
from ablate.discovery import modules
from ablate.schema import DatasetConfig

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Source:
    """Samples as they come, before split and scaling.

    x: [n, features] or [n, channels, height, width], any number type; y: [n], classes 0 … classes-1.
    test_x, test_y: the published test part, where there is one; else it is split off x.
    """

    x: np.ndarray
    y: np.ndarray
    classes: int
    test_x: np.ndarray | None = None
    test_y: np.ndarray | None = None


def names() -> tuple[str, ...]:
    return modules(__name__)


def schema(name: str) -> type[DatasetConfig]:
    return _load(__name__, name).Config


def source(config: Any) -> Source:
    """The samples that a dataset's config asks for.

    Raises:
        ConfigError: its files are missing or damaged.
    """
    return _load(__name__, config.name).load(config)
