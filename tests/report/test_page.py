"""report.html, read as a file: what is in it for which runs. What a browser makes of it: test_report_browser."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pandas as pd
import pytest

from ablate.analysis.comparison import compare_folders
from ablate.records.sweeps import Asked, Sweep
from ablate.report import page as report
from helpers import BASE, leave


def page(folder: Path) -> str:
    return report.page(compare_folders(folder))


def headings(html: str) -> list[str]:
    return [re.sub(r"<.*?>| from .*", "", found).strip() for found in re.findall(r"<h2>(.*?)</h2>", html)]


ALL = ["Differences", "Learning curves", "Strengths exploratory", "Sparsity against test accuracy"]
ALL += ["Weights after training", "Runs without figures", "How this was made"]


def test_a_study_has_every_section_and_says_how_it_was_made(study):
    html = page(study)
    assert headings(html) == ALL
    assert html.index('class="verdict') < html.index("<table") < html.index("<svg viewBox")
    for said in ("torch 1.2.3", "Abacus, 2 cores, Beads-1", "0 to 5", "45.0 s in all, over 30 runs"):
        assert said in html
    assert "python -m ablate -m study=mine" in html


def test_nothing_from_a_config_is_markup(study):
    html = page(study)
    assert "<script" not in html and not re.search(r"https?://|@import|url\((?!#)", html)
    assert html.count("&lt;script&gt;alert(1)") > 10
    (forest, *_) = [svg for svg in svgs(html) if "Differences" in svg.get("aria-label")]
    labels = [text.text for text in forest.iter("text")]
    assert any(label.startswith("<script>") and "$" in label for label in labels)


def svgs(html: str) -> list[ElementTree.Element]:
    """The plots, parsed: raises where one is no XML."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg viewBox.*?</svg>", html, re.S)]  # noqa: S314


def test_every_plot_is_valid_xml_with_names_of_its_own_and_the_pages_colours(study):
    html = page(study)
    plots = svgs(html)
    assert len(plots) == 2 + 2 + 3 + 1 + 2
    assert not re.search(r"#[0-9a-f]{6}", "".join(re.findall(r"<svg viewBox.*?</svg>", html, re.S)))
    assert set(re.findall(r"var\((--[a-z0-9]+)\)", html)) <= set(re.findall(r"(--[a-z0-9]+):", html))
    names = [element.get("id") for plot in plots for element in plot.iter() if element.get("id")]
    assert len(names) == len(set(names))
    references = set(re.findall(r'(?:url\(|href=")#(\w+)', html))
    assert references == set(names)


def test_one_run_without_anything_to_compare(tmp_path):
    leave(tmp_path / "0", "none", 0)
    assert headings(page(tmp_path)) == ["Learning curves", "Weights after training", "How this was made"]


def test_a_section_with_nothing_to_show_is_left_out(tmp_path):
    for seed in range(2):
        leave(tmp_path / f"{seed}", "none", seed)
        (tmp_path / f"{seed}" / "history.csv").unlink()
        (tmp_path / f"{seed}" / "model.safetensors").unlink()
    assert headings(page(tmp_path)) == ["Sparsity against test accuracy", "How this was made"]


@pytest.mark.parametrize(
    "content", ["", "\n", "epoch\n", "a,b\n1,2\n", "epoch,loss/val\nx,y\n", "epoch,loss/val\n1,\n"]
)
def test_a_history_that_cannot_be_read_is_none(tmp_path, content):
    leave(tmp_path / "0", "none", 0, status="diverged")
    (tmp_path / "0" / "history.csv").write_text(content)
    assert "Learning curves" not in headings(page(tmp_path))


def test_all_runs_failed(tmp_path):
    for seed in range(2):
        leave(tmp_path / f"{seed}", "none", seed, status="failed")
        leave(tmp_path / f"l1-{seed}", "l1", seed, 0.1, status="diverged")
    assert headings(page(tmp_path)) == ["Runs without figures", "How this was made"]


def test_a_study_by_losses_alone(tmp_path):
    for seed in range(2):
        for l1 in (0.0, 0.1, 0.2):
            folder = tmp_path / f"{l1}-{seed}"
            metrics = {"loss/train": 0.1, "loss/val": 0.2 - l1 / 10, "loss/test": 0.2 + l1 + seed / 100}
            leave(folder, f"l1={l1}" if l1 else "none", seed, l1, metrics=metrics)
            history = pd.read_csv(folder / "history.csv")
            history[["epoch", "loss/train", "loss/val"]].to_csv(folder / "history.csv", index=False)
    html = page(tmp_path)
    assert "Sparsity against test loss" in headings(html)
    assert "Learning curves" in headings(html) and "accuracy, %</text>" not in html


def test_data_of_several_tasks_have_a_table_and_plots_each(tmp_path):
    for seed in range(2):
        for l1 in (0.0, 0.01):
            arm = f"l1={l1}" if l1 else "none"
            leave(tmp_path / f"a{l1}-{seed}", arm, seed, l1)
            regularizer = BASE["regularizer"] | {"l1": l1}
            config = BASE | {"seed": seed, "regularizer": regularizer, "dataset": {"name": "diabetes"}}
            metrics = {"loss/val": 0.1, "rmse/train": 50.0, "rmse/test": 60 + l1 + seed * (1 + l1)}
            folder = tmp_path / f"b{l1}-{seed}"
            leave(folder, arm, seed, l1, config=config, metrics=metrics)
            history = pd.read_csv(folder / "history.csv").rename(columns=lambda name: name.replace("accuracy", "rmse"))
            history.to_csv(folder / "history.csv", index=False)
    html = page(tmp_path)
    assert html.count("<table>") == 2 and "test RMSE</th>" in html and "test accuracy,\u00a0%</th>" in html
    assert [h for h in headings(html) if "Sparsity" in h] == [
        "Sparsity against test accuracy",
        "Sparsity against test RMSE",
    ]
    assert html.count("Learning curves: loss and RMSE by epoch") == 2
    assert html.count("Learning curves: loss and accuracy by epoch") == 2


@pytest.mark.slow
def test_many_arms_stay_bounded_and_what_is_left_out_is_said(tmp_path):
    asked = []
    for i in range(40):
        arm = f"l1={i}" if i else "none"
        for seed in range(2):
            leave(tmp_path / f"{i}-{seed}", arm, seed, i / 1000)
            asked.append(Asked(f"{arm}{seed}", f"arm {i}", seed))
    Sweep([], "many", "arm 0", "accuracy/test", asked).write(tmp_path)
    html = page(tmp_path)
    assert html.count("Learning curves: ") == html.count("Histogram of weights") == 24
    assert html.count("16 more are not drawn") == 2
    assert len(html) < 1_500_000


def test_seeds_and_durations_are_told_shortly():
    assert [report._span(seeds) for seeds in ([2, 0, 1], [0, 2], [4, 4], [0, 1])] == ["0 to 2", "0, 2", "4", "0, 1"]
    assert [report._duration(s) for s in (5.04, 61, 7300)] == ["5.0 s", "1 min", "2 h 2 min"]


def test_minus_signs_are_for_figures_alone():
    assert report._figures("l1=1e-4 is -0.5 (80 %, -1 to +2), a-1") == "l1=1e-4 is −0.5 (80\u00a0%, −1 to +2), a-1"


def test_a_users_own_settings_of_matplotlib_have_no_say(study):
    comparison = compare_folders(study)
    before = report.page(comparison)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        after = report.page(comparison)
    plots = [re.findall(r"<svg.*?</svg>", html, re.S) for html in (before, after)]
    assert plots[0] == plots[1]
