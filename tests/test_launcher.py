"""Hydra's own test suite for launchers, on ours; and what comes of jobs that train together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hydra import version
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from hydra.test_utils.test_utils import chdir_plugin_root  # noqa: F401

from hydra_plugins.ablate.launcher import StackedLauncher


def test_it_is_found_by_hydra():
    assert StackedLauncher.__name__ in [plugin.__name__ for plugin in Plugins.instance().discover(Launcher)]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Hydra's, of Hydra 1.2
@pytest.mark.parametrize(("launcher_name", "overrides"), [("stacked", [])])
class TestLauncher(LauncherTestSuite):
    """Jobs, sweeps, strict configs, JobReturns."""

    @pytest.fixture(autouse=True)
    def as_of_hydra_1_1(self, hydra_restore_singletons):
        """The suite expects jobs to run in their folder, as they did by default then."""
        version.setbase("1.1")


@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"),
    [({}, ["-m", "hydra/launcher=stacked"])],
)
class TestLauncherIntegration(IntegrationTestSuite):
    """Whole applications: folders, names, logging, working directories."""


def test_jobs_that_train_together_have_the_files_logs_and_returns_of_any_launcher(tmp_path: Path, monkeypatch):
    from ablate.cli import main

    monkeypatch.chdir(tmp_path)
    for launcher in ("stacked", "basic"):
        arguments = ["-m", f"hydra/launcher={launcher}", "regularizer=none,l1", "seed=0,1", "trainer.epochs=2"]
        assert main([*arguments, f"hydra.sweep.dir={launcher}"]) == 0
    trees = [
        sorted(p.relative_to(tmp_path / root) for p in (tmp_path / root).rglob("*")) for root in ("stacked", "basic")
    ]
    names = [[str(p) for p in tree if "tfevents" not in p.name] for tree in trees]
    assert names[0] == names[1]
    for number in range(4):
        one, other = (
            json.loads((tmp_path / root / f"{number}/result.json").read_text()) for root in ("stacked", "basic")
        )
        assert one["metrics"] == other["metrics"] and one["run_id"] == other["run_id"]
        for file in (".hydra/config.yaml", ".hydra/overrides.yaml"):
            assert (tmp_path / "stacked" / str(number) / file).read_text() == (
                tmp_path / "basic" / str(number) / file
            ).read_text()
        logs = [(tmp_path / root / f"{number}/ablate.log").read_text() for root in ("stacked", "basic")]
        assert all("epoch 2/2" in log for log in logs)
        weights = [(tmp_path / root / f"{number}/model.safetensors").read_bytes() for root in ("stacked", "basic")]
        assert weights[0] == weights[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_diverges_fails_and_the_others_finish(tmp_path: Path, monkeypatch, capsys, workers):
    from ablate.cli import main

    monkeypatch.chdir(tmp_path)
    arguments = ["-m", "optimizer=sgd", "optimizer.lr=1e6,0.1", "seed=0,1", "trainer.epochs=2", "regularizer=l2"]
    assert main([*arguments, f"stack.workers={workers}", "hydra.sweep.dir=sweep"]) == 1
    status = [json.loads((tmp_path / f"sweep/{i}/result.json").read_text())["status"] for i in range(4)]
    assert status == ["diverged", "diverged", "finished", "finished"]
    out = capsys.readouterr().out
    assert "failed" in out and "diverged: loss/train is" in out
    assert not (tmp_path / "sweep/0/model.safetensors").exists()
