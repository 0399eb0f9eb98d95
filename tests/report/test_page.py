"""report.html, read as a file: what is in it for which runs. What a browser makes of it: test_report_browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from ablate.report import curves
from ablate.report import drawing
from ablate.report import page as report
from ablate.records import results
from ablate.analysis import studies
from ablate.analysis.comparison import compare_folders
from ablate.report.plots import Look, padded

CONFIG = {
    "device": "cpu",
    "dataset": {"name": "digits", "root": "a"},
    "model": {"name": "mlp", "dropout": 0.0},
    "regularizer": {"layers": "all", "dropout": 0.0, "l1": 0.0},
    "early_stopping": {"patience": None, "restore_best_weights": False},
    "optimizer": {"lr": 0.001},
}
EVIL = '<script>alert(1)</script>$x_1$ & "q" \''


def leave(
    folder: Path, arm: str, seed: int, l1: float = 0.0, status: str = "finished", epochs: int = 8, **changed: object
) -> None:
    """The files of a run, as a recorder would have left them."""
    folder.mkdir(parents=True)
    random = np.random.default_rng([seed, int(l1 * 1e6)])
    loss = 1 / np.arange(1, epochs + 1) + random.uniform(0, 0.02, epochs)
    history = pd.DataFrame({"loss/train": loss / 2, "accuracy/train": 1 - loss / 3, "loss/val": loss})
    history["accuracy/val"] = 1 - loss / 2
    history.index = pd.RangeIndex(1, epochs + 1, name="epoch")
    history.to_csv(folder / "history.csv")
    save_file(
        {"0.weight": random.normal(size=(8, 4)).astype(np.float32), "0.bias": np.ones(8, np.float32)},
        folder / "model.safetensors",
    )
    metrics = {**history.iloc[-1].to_dict(), "loss/test": 0.2, "accuracy/test": 0.9 + l1 + random.uniform(0, 0.02)}
    content = {
        "status": status,
        "run_id": f"{arm}{seed}",
        "arm": arm,
        "seed": seed,
        "config": CONFIG | {"seed": seed, "regularizer": CONFIG["regularizer"] | {"l1": l1}},
        "metrics": metrics if status == "finished" else {},
        "weights": {"near_zeros": 0.1 + l1, "l2_norm": 3.0} if status == "finished" else {},
        "epochs": epochs,
        "best_epoch": epochs - 1,
        "stopped_epoch": None,
        "seconds": 1.5,
        "error": None if status == "finished" else f"loss/train is nan {EVIL}",
        "versions": {"torch": "1.2.3"},
        "machine": {"cpu": "Abacus", "cores": 2, "platform": "Beads-1"},
    }
    (folder / "result.json").write_text(json.dumps(content | changed))


@pytest.fixture
def study(tmp_path) -> Path:
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
            asked.append(studies.Asked(f"{arm}{seed}", name, seed))
    studies.Sweep(["-m", "study=mine", f"note='{EVIL}'"], "mine", "none", "accuracy/test", asked).write(folder)
    return folder


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


def test_an_arm_looks_the_same_everywhere_and_the_baseline_is_grey(study):
    looks = report.looks(compare_folders(study))
    arms = {arm: look for arm, look in looks.items() if arm.startswith("<")}
    assert len(arms) == 3 and len(set(arms.values())) == 1  # the strengths of an arm are a family
    assert looks["none"].colour == "baseline"
    assert len({looks["none"], looks["wild"], *arms.values()}) == 3


def test_thirty_arms_can_be_told_apart():
    assert len({Look.of_arm(place) for place in range(30)}) == 30


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


@pytest.mark.parametrize("metric", ["loss/test", "accuracy/test"])
def test_a_study_by_losses_alone(tmp_path, metric):
    for seed in range(2):
        for l1 in (0.0, 0.1, 0.2):
            folder = tmp_path / f"{l1}-{seed}"
            metrics = {"loss/train": 0.1, "loss/val": 0.2 - l1 / 10, "loss/test": 0.2 + l1 + seed / 100}
            leave(folder, f"l1={l1}" if l1 else "none", seed, l1, metrics=metrics)
            history = pd.read_csv(folder / "history.csv")
            history[["epoch", "loss/train", "loss/val"]].to_csv(folder / "history.csv", index=False)
    html = report.page(compare_folders(tmp_path, metric=metric))
    assert ("Sparsity against test loss" in headings(html)) == (metric == "loss/test")
    assert "Learning curves" in headings(html) and "accuracy, %</text>" not in html


def test_means_end_where_fewer_than_half_of_the_runs_go_on():
    long = pd.DataFrame({"loss/val": [3.0, 2.0, 1.0, 1.0]}, index=[1, 2, 3, 4])
    short = pd.DataFrame({"loss/val": [1.0, np.inf]}, index=[1, 2])
    summary = curves.summarise([long, short, short, pd.DataFrame()])
    assert list(summary.index) == [1, 2]
    assert summary.loc[1].to_dict() == pytest.approx({"loss/val mean": 5 / 3, "loss/val low": 1, "loss/val high": 3})
    assert summary.loc[2, "loss/val mean"] == 2
    assert list(curves.summarise([long, short]).index) == [1, 2, 3, 4]


def test_a_long_history_is_thinned_but_keeps_its_ends():
    epochs = range(1, 5001)
    summary = curves.summarise([pd.DataFrame({"loss/val": [1.0] * 5000}, index=epochs)])
    assert len(summary) <= curves.POINTS + 1 and summary.index[0] == 1 and summary.index[-1] == 5000


def test_kernels_are_neither_biases_nor_parameters_of_norms(tmp_path):
    ones = {
        "a.weight": (2, 2),
        "a.bias": (2,),
        "norm.weight": (2,),
        "norm.running_mean": (2,),
        "c.weight": (1, 1, 3, 3),
    }
    save_file({name: np.ones(shape, np.float32) for name, shape in ones.items()}, tmp_path / "model.safetensors")
    assert set(results.kernels(tmp_path)) == {"a.weight", "c.weight"}


def test_many_arms_stay_bounded_and_what_is_left_out_is_said(tmp_path):
    asked = []
    for i in range(40):
        arm = f"l1={i}" if i else "none"
        for seed in range(2):
            leave(tmp_path / f"{i}-{seed}", arm, seed, i / 1000)
            asked.append(studies.Asked(f"{arm}{seed}", f"arm {i}", seed))
    studies.Sweep([], "many", "arm 0", "accuracy/test", asked).write(tmp_path)
    html = page(tmp_path)
    assert html.count("Learning curves: ") == html.count("Histogram of weights") == 24
    assert html.count("16 more are not drawn") == 2
    assert len(html) < 1_500_000


def test_it_is_written_whole_or_not_at_all(study, monkeypatch):
    comparison = compare_folders(study)
    report.write(comparison, study)
    assert (study / "report.html").read_text().rstrip().endswith("</html>")
    before = (study / "report.html").read_bytes()

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        report.write(comparison, study)
    assert (study / "report.html").read_bytes() == before
    assert not list(study.glob(".report*"))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.5, 12, [0.5, 1, 2, 5, 10]),
        (0.02, 1.5, [0.03, 0.1, 0.3, 1]),
        (0.001, 30, [0.001, 0.01, 0.1, 1, 10]),
        (2.1, 2.2, []),
    ],
)
def test_logarithmic_axes_have_few_round_numbers(low, high, ticks):
    assert drawing.decades(low, high) == pytest.approx(ticks)


def test_long_names_lose_their_middle_and_what_xml_cannot_hold():
    assert drawing.shortened("a" * 20 + "b" * 20, 11) == "aaaaa…bbbbb"
    assert drawing.shortened("a\x00b\ud800", 9) == "a\ufffdb\ufffd"


def test_seeds_and_durations_are_told_shortly():
    assert [report._span(seeds) for seeds in ([2, 0, 1], [0, 2], [4, 4], [0, 1])] == ["0 to 2", "0, 2", "4", "0, 1"]
    assert [report._duration(s) for s in (5.04, 61, 7300)] == ["5.0 s", "1 min", "2 h 2 min"]


def test_minus_signs_are_for_figures_alone():
    assert report._figures("l1=1e-4 is -0.5 (80 %, -1 to +2), a-1") == "l1=1e-4 is −0.5 (80\u00a0%, −1 to +2), a-1"


def test_an_axis_has_room_for_a_single_value_and_none_for_nan():
    low, high = (getattr(padded([np.nan, 0.0, np.inf]), end) for end in ("low", "high"))
    assert low < 0 < high and np.isfinite([low, high]).all()


def test_a_users_own_settings_of_matplotlib_have_no_say(study):
    comparison = compare_folders(study)
    before = report.page(comparison)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        after = report.page(comparison)
    plots = [re.findall(r"<svg.*?</svg>", html, re.S) for html in (before, after)]
    assert plots[0] == plots[1]
