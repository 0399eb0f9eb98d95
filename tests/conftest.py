"""What tests share: configs from overrides, and training without files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from ablate import config
from ablate.config import Config
from ablate.engine import Row, train

MNIST = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _clean_state() -> Iterator[None]:
    """No Hydra from an earlier test, and the same threads for all."""
    GlobalHydra.instance().clear()
    threads = torch.get_num_threads()
    yield
    GlobalHydra.instance().clear()
    torch.set_num_threads(threads)


@pytest.fixture
def configured() -> Callable[..., Config]:
    """configured("regularizer=l1", "seed=3"): the checked config of a run."""

    def make(*overrides: str) -> Config:
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(config.folder().resolve()), version_base="1.3"):
            return config.check(compose("config", list(overrides)))

    return make


def trained(configs: list[Config]) -> list[list[Row]]:
    """The rows of every run, trained in one stack."""
    rows: list[list[Row]] = [[] for _ in configs]
    for epoch in train(configs):
        for row in epoch:
            rows[row.run].append(row)
    return rows


def figures(rows: list[Row]) -> list[dict[str, float]]:
    """All figures of a run but its time."""
    return [{name: value for name, value in row.figures.items() if name != "seconds"} for row in rows]
