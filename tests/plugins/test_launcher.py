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


@pytest.mark.slow
def test_jobs_that_train_together_have_the_files_logs_and_returns_of_any_launcher(tmp_path: Path, monkeypatch):
    from ablate.cli.main import main

    monkeypatch.chdir(tmp_path)
    for launcher in ("stacked", "basic"):
        arguments = ["-m", f"hydra/launcher={launcher}", "regularizer=none,l1", "seed=0,1", "trainer.epochs=2"]
        assert main([*arguments, f"hydra.sweep.dir={launcher}"]) == 0
    trees = [
        sorted(p.relative_to(tmp_path / root) for p in (tmp_path / root).rglob("*")) for root in ("stacked", "basic")
    ]
    names = [[str(p) for p in tree if "tfevents" not in p.name] for tree in trees]
    assert names[0] == names[1]
    for run in ("none", "l1=3e-4"):
        folders = [tmp_path / root / f"{run},trainer.epochs=2" / "seed=1" for root in ("stacked", "basic")]
        one, other = (json.loads((folder / "result.json").read_text()) for folder in folders)
        assert one["metrics"] == other["metrics"] and one["run_id"] == other["run_id"]
        for file in (".hydra/config.yaml", ".hydra/overrides.yaml", "model.safetensors"):
            assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
        assert all("epoch 2/2" in (folder / "ablate.log").read_text() for folder in folders)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_diverges_fails_and_the_others_finish(tmp_path: Path, monkeypatch, capsys, workers):
    from ablate.cli.main import main

    monkeypatch.chdir(tmp_path)
    arguments = ["-m", "optimizer=sgd", "optimizer.lr=1e6,0.1", "seed=0,1", "trainer.epochs=2", "regularizer=l2"]
    assert main([*arguments, f"stack.workers={workers}", "hydra.sweep.dir=sweep"]) == 1
    found = {}
    for path in tmp_path.rglob("result.json"):
        result = json.loads(path.read_text())
        found[result["config"]["optimizer"]["lr"], result["seed"]] = result["status"]
        assert (path.parent / "model.safetensors").exists() == (result["status"] == "finished")
    assert found == {(1e6, 0): "diverged", (1e6, 1): "diverged", (0.1, 0): "finished", (0.1, 1): "finished"}
    out = capsys.readouterr().out
    assert "failed" in out and "diverged: loss/train is" in out
