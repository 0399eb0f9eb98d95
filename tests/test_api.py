"""The Python API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import ablate
from ablate.utils.errors import ConfigError, RunFailed

SHORT = ("trainer.epochs=2", "model.hidden=[4]")


pytestmark = pytest.mark.usefixtures("elsewhere")


def test_train_gives_the_history_and_the_result():
    before = list(sys.argv)
    history = ablate.train("regularizer=l1", "seed=3", *SHORT)
    assert isinstance(history, pd.DataFrame) and list(history.index) == [1, 2]
    assert history["loss/val"].iloc[-1] == history.attrs["metrics"]["loss/val"]
    result = json.loads(Path(history.attrs["folder"], "result.json").read_text())
    assert (result["arm"], result["seed"]) == ("l1=3e-4", 3)
    assert sys.argv == before


@pytest.mark.slow
def test_study_gives_the_comparison_and_does_nothing_twice():
    arms = ablate.study("regularizers", "study.seeds=2", *SHORT)
    assert arms.loc["none", "verdict"] == "baseline" and arms.loc["l1=3e-4", "verdict"] == "too few seeds"
    folder = Path(arms.attrs["folder"])
    assert any("Too few seeds" in line for line in arms.attrs["sentences"]) and (folder / "comparison.csv").is_file()
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("result.json")}
    pd.testing.assert_frame_equal(ablate.study("regularizers", "study.seeds=2", *SHORT), arms)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("result.json")} == times


def test_what_is_wrong_is_raised():
    with pytest.raises(ConfigError, match="regularizer=l9: must be one of"):
        ablate.train("regularizer=l9")
    with pytest.raises(ConfigError, match="study=nope: must be one of"):
        ablate.study("nope")
    with pytest.raises(RunFailed, match="diverged"):
        ablate.train("optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2", *SHORT)
    with pytest.raises(AttributeError, match="nothing"):
        ablate.nothing  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, ablate; sys.exit(bool({'torch', 'pandas', 'hydra'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
