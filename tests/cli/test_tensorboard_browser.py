"""TensorBoard on a real study, in a browser: what a person sees there.

Screenshots are kept in outputs/screenshots, or where SCREENSHOTS says:
SCREENSHOTS=docs/images pytest tests/cli/test_tensorboard_browser.py makes the README's.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from ablate.cli.main import main
from helpers import resize

pytestmark = pytest.mark.slow

KEPT = Path(os.environ.get("SCREENSHOTS", "outputs/screenshots")).absolute()
ARMS = ("none", "l1=3e-4", "l2=1e-3", "dropout=0.2", "patience=5")
SEEDS = range(9)  # more than 40 runs, of which the older tabs would show none
RUNS = {f"{arm}/seed={seed}" for arm in ARMS for seed in SEEDS}
MEANS = {f"comparison/{arm}" for arm in ARMS}

# Every element of the page, in shadow roots too.
EVERY = """
const every = (root, found = []) => {
  for (const e of root.querySelectorAll("*")) { found.push(e); if (e.shadowRoot) every(e.shadowRoot, found); }
  return found;
};
"""
RUN_COLOURS = """
return [...document.querySelectorAll("runs-data-table tb-data-table-content-row")].map(row => [
  row.querySelector(".table-column-run").innerText.trim(), row.querySelector(".run-color-swatch").style.background]);
"""
CARDS = """
return [...document.querySelectorAll("card-view scalar-card")].map(card => [
  card.querySelector(".tag").innerText.replace(/\\s/g, ""),
  [...card.querySelectorAll("tb-data-table-content-row")].map(row => row.innerText.trim().split(/\\s/)[0])]);
"""
CELLS = "return every(document).filter(e => e.tagName === 'VAADIN-GRID-CELL-CONTENT').map(e => e.innerText.trim());"
CHARTS = """
return every(document).filter(e => e.tagName === "TF-CUSTOM-SCALAR-MULTI-LINE-CHART-CARD").map(card => [
  every(card.shadowRoot).find(e => e.tagName === "TF-CARD-HEADING").displayName,
  every(card.shadowRoot).filter(e => e.matches("path.line[d]")).length]);
"""

Look = Callable[[str, str, Callable[[Any], bool]], Any]


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    home, folder = tmp_path_factory.mktemp("home"), "outputs/studies/regularizers"
    assert main(["-m", "study=regularizers", f"study.seeds={len(SEEDS)}", f"hydra.sweep.dir={home / folder}"]) == 0
    command = [sys.executable, "-m", "ablate", "tensorboard", folder, "--no-browser", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as server:
        assert server.stdout is not None
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+/", line)))
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0


def keep(browser: webdriver.Chrome, name: str) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    assert browser.save_screenshot(str(KEPT / f"{name}.png"))


@pytest.fixture
def look(browser, address) -> Look:
    """look(place, script, good): what the script gives on that page of TensorBoard, once it is good."""

    def wait(place: str, script: str, good: Callable[[Any], bool]) -> Any:
        resize(browser, 1600, 1000)
        browser.get("about:blank")  # a fragment alone would not load anew
        browser.get(address + place)
        found: list[Any] = []

        def seen(_: Any) -> bool:
            found.append(browser.execute_script(EVERY + script))
            return good(found[-1])

        try:
            WebDriverWait(browser, 60, 0.5).until(seen)
        except Exception:
            pytest.fail(f"{place}: {found[-1:]}")
        return found[-1]

    return wait


def test_every_run_is_there_and_every_arm_has_a_colour_of_its_own(look, browser):
    rows = dict(look("", RUN_COLOURS, lambda rows: {name for name, _ in rows} >= RUNS | MEANS))
    colours = {arm: {rows[f"comparison/{arm}"], *(rows[f"{arm}/seed={seed}"] for seed in SEEDS)} for arm in ARMS}
    assert all(len(of_arm) == 1 for of_arm in colours.values())
    assert len(set.union(*colours.values())) == len(ARMS)


def test_the_scalars_of_all_arms_are_drawn_validation_first(look, browser):
    def complete(cards: list[list[Any]]) -> bool:
        return len(cards) > 1 and all({*names} == RUNS | MEANS for _, names in cards[:2])

    cards = look("", CARDS, complete)
    assert [tag for tag, _ in cards[:2]] == ["accuracy/val", "loss/val"]
    colours = {tuple(map(int, re.findall(r"\d+", colour))) for _, colour in browser.execute_script(RUN_COLOURS)}
    chart = browser.find_element("css selector", "card-view scalar-card line-chart")

    def drawn(_: Any) -> bool:
        """Whether the chart has pixels of all arms' colours: there is nothing else to tell by, it is a canvas."""
        found = Image.open(io.BytesIO(chart.screenshot_as_png)).convert("RGB").getcolors(1 << 24)
        return len(colours & {colour for _, colour in found or []}) >= len(ARMS)

    WebDriverWait(browser, 30, 0.5).until(drawn)
    keep(browser, "tensorboard")


def test_the_older_tabs_show_the_comparison_and_a_run_of_every_arm(look, browser):
    look("", RUN_COLOURS, lambda rows: len(rows) > 40)
    (tab,) = [tab for tab in browser.find_elements("css selector", ".mat-mdc-tab") if tab.text.upper() == "HISTOGRAMS"]
    tab.click()
    script = EVERY + "return every(document).filter(e => e.tagName === 'VZ-HISTOGRAM-TIMESERIES').length"
    WebDriverWait(browser, 30, 0.5).until(lambda _: browser.execute_script(script) >= len(ARMS))


def test_hparams_has_a_row_an_arm_with_strength_dropout_seed_and_figures(look, browser):
    def complete(cells: list[str]) -> bool:
        return {cell.split(" · ")[0] for cell in cells if " · " in cell} == set(ARMS)

    cells = look("#hparams", CELLS, complete)
    columns = {"Trial ID", "regularizer.l1", "regularizer.l2", "model.dropout", "early_stopping.patience", "seed"}
    assert columns | {"accuracy/test", "accuracy/val"} <= set(cells)
    assert {"0.00030000", "0.0010000", "0.20000", "5.0000"} <= set(cells)  # of one arm each
    keep(browser, "tensorboard-hparams")


def test_custom_scalars_are_drawn_for_every_arm(look, browser):
    def drawn(charts: list[list[Any]]) -> bool:
        lines = dict(charts)
        if len(lines) < 10 or not all(lines.values()):
            return False
        gap, loss = lines["loss, validation − training"], lines["loss"]  # the latter of training and validation
        return gap % len(ARMS) == 0 and loss == 2 * gap

    look("#custom_scalars&regexInput=%5Ecomparison%2F&_smoothingWeight=0", CHARTS, drawn)
    keep(browser, "tensorboard-charts")


def test_the_comparison_is_an_image(look, browser):
    script = "return every(document).filter(e => e.tagName === 'IMG' && e.naturalWidth > 0).length"
    look("#images", script, lambda images: images >= 2)
    keep(browser, "tensorboard-images")


def test_the_graph_has_the_models_layers(look):
    script = "return every(document).filter(e => e.tagName === 'text').map(e => e.firstChild?.data);"
    look("#graphs", script, lambda texts: {"hidden1", "activation1", "dropout1", "output"} <= set(texts))
