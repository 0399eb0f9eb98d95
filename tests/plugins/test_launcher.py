"""Hydra's own test suite for launchers, on ours; and what comes of jobs that train together."""

from __future__ import annotations

import gc
import json
import pickle
import tracemalloc
from pathlib import Path

import pytest
from hydra import initialize_config_dir, version
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import run_job
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from hydra.test_utils.test_utils import chdir_plugin_root  # noqa: F401
from hydra.types import HydraContext, RunMode

from ablate.config import registration
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


class Together:
    """A task that does jobs together, and fails every other one."""

    at_home = False

    def __call__(self, config):
        raise AssertionError("is done together")

    def together(self, checked):
        for place, _ in enumerate(checked):
            yield place, _done if place % 2 else _failed


def _done(config):
    return config.seed


def _failed(config):
    raise RuntimeError(f"seed {config.seed}")


def test_little_is_kept_of_a_job_and_its_return_is_hydras(tmp_path: Path, hydra_restore_singletons):
    conf = str(registration.folder().resolve())
    with initialize_config_dir(conf, version_base="1.3", job_name="ablate"):
        registration.register()
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("config", [f"hydra.sweep.dir={tmp_path}"], run_mode=RunMode.MULTIRUN)
        task, launcher = Together(), StackedLauncher()
        context = HydraContext(config_loader=loader, callbacks=Callbacks())
        launcher.setup(hydra_context=context, task_function=task, config=master)
        launcher.launch([["seed=0"], ["seed=1"]], 0)  # fills caches
        jobs = [[f"seed={i}"] for i in range(2, 22)]
        tracemalloc.start()
        returned = launcher.launch(jobs, 2)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        config = launcher.composer.compose(jobs[1], 3)
        hydras = run_job(_done, config, "hydra.sweep.dir", "hydra.sweep.subdir", context, configure_logging=False)
    assert kept < len(jobs) * len(pickle.dumps(master))  # in memory, a config takes seven times that
    assert (returned[1].cfg, returned[1].hydra_cfg) == (hydras.cfg, hydras.hydra_cfg)
    assert returned[1].hydra_cfg.hydra.job.num == 3 and "hydra" not in returned[1].cfg
    assert vars(returned[1]).keys() >= vars(hydras).keys() and returned[1].return_value == 3
    with pytest.raises(RuntimeError, match="seed 2"):
        _ = returned[0].return_value
