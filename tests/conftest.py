"""What tests share: configs from overrides, training without files, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from ablate.config import schema as config
from ablate.config.schema import Config
from ablate.training.engine import Row, train

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
HEADLESS = ("headless", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-dev-shm-usage")
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium without a window. Where it is not there, its tests are skipped."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*HEADLESS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def resize(browser: webdriver.Chrome, width: int, height: int = 800) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
