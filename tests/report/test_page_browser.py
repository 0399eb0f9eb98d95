"""report.html in a browser: nothing is fetched, nothing overflows, all text can be read, in light and in dark."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from ablate.analysis.comparison import compare_folders
from ablate.report.write import save
from helpers import resize

# Every element that has text of its own: its colour, the colour behind it, and where it ends.
TEXTS = """
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
};
return [...document.querySelectorAll("body *")]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length)
  .map(e => ({
    text: e.textContent.trim().slice(0, 40),
    ink: e.closest("svg") ? getComputedStyle(e).fill : getComputedStyle(e).color,
    paper: behind(e),
    plot: !!e.closest("svg"),
    mark: e.classList.contains("key"),
    left: e.getBoundingClientRect().left,
    right: e.getBoundingClientRect().right,
  }));
"""


@pytest.fixture
def opened(browser, study) -> Callable[[int, str], webdriver.Chrome]:
    """opened(360, "dark"): the browser with the report in it, so wide and in that mode."""
    save(compare_folders(study), study)

    def show(width: int, mode: str) -> webdriver.Chrome:
        resize(browser, width)
        feature = {"name": "prefers-color-scheme", "value": mode}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.get(Path(study, "report.html").as_uri())
        return browser

    return show


def test_it_says_nothing_to_the_console_and_asks_for_nothing_outside(opened):
    browser = opened(1280, "light")
    assert browser.execute_script("return document.querySelectorAll('figure svg').length") == 2 + 2 + 3 + 1 + 2
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    own = browser.current_url
    assert {r["request"]["url"] for r in requests if r["documentURL"] == own} <= {own, "data:,"}
    assert any(r["request"]["url"] == own for r in requests)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_overflows(opened, width):
    browser = opened(width, "light")
    assert browser.execute_script("return innerWidth") == width
    root = "document.documentElement"
    assert browser.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    outside = [t for t in browser.execute_script(TEXTS) if t["plot"] and not 0 <= t["left"] < t["right"] <= width]
    assert outside == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_all_text_stands_out_from_its_background(opened, mode):
    texts = opened(1280, mode).execute_script(TEXTS)
    assert any(t["plot"] for t in texts) and any(t["mark"] for t in texts)
    # WCAG 2.2, 1.4.3 and 1.4.11
    faint = [t for t in texts if contrast(t["ink"], t["paper"]) < (3 if t["mark"] else 4.5)]
    assert faint == []
    assert (luminance(texts[0]["paper"]) < 0.1) == (mode == "dark")


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of rgb(r, g, b)."""
    channels: list[Any] = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_names_that_look_like_scripts_are_text(opened):
    browser = opened(360, "dark")
    assert browser.execute_script("return document.scripts.length") == 0
    assert "<script>alert(1)</script>" in browser.execute_script("return document.body.innerText")
