"""The fixtures that tests share: configs from overrides, an empty folder to be in, a study's files, a browser."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hypothesis import Phase, settings
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from ablate.config import registration
from ablate.config.checks import check
from ablate.config.schema import Config
from ablate.records.sweeps import Asked, Sweep
from helpers import EVIL, leave

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
HEADLESS = ("headless", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-dev-shm-usage")

registration.register()  # as every command does: tests compose configs without one

# For scripts/mutants.py: that a test fails is enough, and it does so again.
settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate), derandomize=True)


@pytest.fixture(autouse=True)
def _clean_state() -> Iterator[None]:
    """No Hydra from an earlier test, and the same threads for all."""
    GlobalHydra.instance().clear()
    threads = torch.get_num_threads()
    yield
    GlobalHydra.instance().clear()
    torch.set_num_threads(threads)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test is in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal's environment, in which nobody asks for colours or for none."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # where another test ran a notebook


@pytest.fixture
def configured() -> Callable[..., Config]:
    """configured("regularizer=l1", "seed=3"): the checked config of a run."""

    def make(*overrides: str) -> Config:
        GlobalHydra.instance().clear()
        registration.register()
        with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
            return check(compose("config", list(overrides)))

    return make


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A baseline, an arm with three strengths, one that diverged; names that would run as a script."""
    folder = tmp_path / "study"
    asked = []
    for seed in range(6):
        for name, arm, l1 in (
            ("none", "none", 0.0),
            (EVIL, f"{EVIL} 1", 1e-4),
            (EVIL, f"{EVIL} 2", 1e-3),
            (EVIL, f"{EVIL} 3", 1e-2),
            ("wild", "wild", 1e-1),
        ):
            leave(folder / f"{l1}/{seed}", arm, seed, l1, "diverged" if name == "wild" else "finished", 8 + seed)
            asked.append(Asked(f"{arm}{seed}", name, seed))
    Sweep(["-m", "study=mine", f"note='{EVIL}'"], "mine", "none", "accuracy/test", asked).write(folder)
    return folder


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
