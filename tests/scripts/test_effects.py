"""scripts/effects.py in short: the pages' studies on few epochs and two seeds. What the figures are is not judged."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pandas as pd
import pytest

from helpers import ROOT

DIGITS = ["dataset=digits", "dataset.val_fraction=0.2", "dataset.scaling=standard"]
FEW = {
    "weights": ["trainer.epochs=2"],
    "dropout": ["trainer.epochs=2", *DIGITS],
    "early-stopping": ["trainer.epochs=12"],
    "when-it-helps": ["trainer.epochs=2", "model.hidden=[16]", *DIGITS],
}
SMALL = ["seed=0,1", "stack.workers=1", "logging.tensorboard=false"]


@pytest.fixture
def effects(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("effects")


@pytest.mark.slow
@pytest.mark.parametrize("page", FEW)
def test_a_page_is_made_of_runs_that_ran(page, effects, capsys):
    arguments = [page, *SMALL, *FEW[page]]
    assert effects.main(arguments) == 0
    text = Path("docs/effects", f"{page}.md").read_text()
    assert text.startswith("# ") and "{{" not in text and "nan" not in text
    assert f"python scripts/effects.py {page} seed=0,1" in text
    plots = [Path("docs/effects", name) for name in re.findall(r"!\[[^]]+\]\((.+?)\)", text)]
    assert plots and all(0 < plot.stat().st_size < 150_000 for plot in plots)
    capsys.readouterr()
    assert effects.main(arguments) == 0  # what is finished is read
    assert "0 to do" in capsys.readouterr().out
    assert Path("docs/effects", f"{page}.md").read_text() == text


def test_figures_are_those_of_the_runs(effects):
    assert effects.main(["weights", *SMALL, "trainer.epochs=2"]) == 0
    runs = pd.read_csv("outputs/effects/weights/runs.csv").groupby("arm")
    (row,) = re.findall(r"\| proximal L1 .*", Path("docs/effects/weights.md").read_text())
    cells = [cell.strip() for cell in row.strip("| ").split("|")]
    own = runs.get_group("l1_proximal=0.2")
    assert cells[2] == f"{100 * own['zeros'].mean():.1f} %"
    assert cells[-1] == f"{100 * own['accuracy/test'].mean():.2f} ± {100 * own['accuracy/test'].std():.2f}"


def test_a_page_that_is_not_there_is_refused(effects, capsys):
    assert effects.main(["wieghts"]) == 2
    assert "wieghts: no such page; must be one of weights, dropout" in capsys.readouterr().err


@pytest.mark.parametrize("page", FEW)
def test_the_pages_in_the_repository_are_of_the_studies_there(page, effects):
    text = (ROOT / "docs" / "effects" / f"{page}.md").read_text()
    for study in effects.PAGES[page].studies:
        path = ROOT / "scripts" / "effects" / "study" / f"{study}.yaml"
        assert f"study={study} hydra.sweep.dir" in text
        assert not path.exists() or path.read_text().rstrip() in text
