"""The Python API."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from omegaconf import OmegaConf

import ablate
from ablate.cli.main import main
from ablate.cli.task import Task
from ablate.training.stack import Stack
from ablate.utils.errors import ConfigError, RunFailed
from helpers import break_training, slow_ones
from snapshots import changed, snapshot

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
    code = "import sys, ablate; dir(ablate); sys.exit(bool({'torch', 'pandas', 'hydra'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_dir_names_what_there_is():
    assert dir(ablate) == sorted(ablate.__all__)
    assert all(getattr(ablate, name) is not None for name in dir(ablate))
    assert (ablate.ConfigError, ablate.RunFailed) == (ConfigError, RunFailed)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--help", "ablate.train takes key=value"),
        ("-m", "ablate.study takes a study"),
        ("--config-dir=mine", 'config_dir="mine"'),
        ("hydra.mode=MULTIRUN", "ablate.study takes a study"),
        (["seed=1"], "takes texts"),
    ],
)
def test_what_is_the_command_lines_is_refused(word, said):
    with pytest.raises(ConfigError) as refused:
        ablate.train(word)
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert not list(Path().iterdir())


def test_a_run_takes_a_folder_of_its_own():
    folder = Path(ablate.train("hydra.run.dir=outputs/mine", *SHORT, progress=False).attrs["folder"])
    before = sorted(Path().rglob("*"))
    with pytest.raises(ConfigError, match=r"^hydra.run.dir=outputs: other runs lie there"):
        ablate.train("hydra.run.dir=outputs", *SHORT)
    Path("theirs").mkdir()
    Path("theirs/model.safetensors").write_text("of another")
    with pytest.raises(ConfigError, match=r"model.safetensors: was there before, and no run has left it"):
        ablate.train("hydra.run.dir=theirs", *SHORT)
    assert Path("theirs/model.safetensors").read_text() == "of another"
    assert sorted(Path().rglob("*")) == sorted([*before, Path("theirs"), Path("theirs/model.safetensors")])
    again = ablate.train("hydra.run.dir=outputs/mine", *SHORT, progress=False)  # where it was, it may be done again
    assert again.attrs["folder"] == str(folder)


def test_options_of_ones_own_lie_in_a_folder():
    Path("mine/regularizer").mkdir(parents=True)
    Path("mine/regularizer/gentle.yaml").write_text("l1: 1e-7\n")
    history = ablate.train("regularizer=gentle", *SHORT, config_dir="mine", progress=False)
    assert history.attrs["config"]["regularizer"]["l1"] == 1e-7
    with pytest.raises(ConfigError, match="regularizer=gentle: must be one of"):
        ablate.train("regularizer=gentle")


def test_progress_is_shown_and_can_be_silenced(capsys):
    ablate.train(*SHORT)
    shown = capsys.readouterr()
    assert "epoch 2/2" in shown.out and "finished" in shown.out and shown.err == ""
    ablate.train(*SHORT, progress=False)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(RunFailed):
        ablate.train("optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2", *SHORT, progress=False)
    assert capsys.readouterr() == ("", "")


def _wrong() -> None:
    with pytest.raises(ConfigError):
        ablate.train("regularizer=l9")


def _diverges() -> None:
    with pytest.raises(RunFailed):
        ablate.train("optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2", *SHORT)


def _interrupted() -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_training(patch, 0, 2, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            ablate.train(*SHORT)


def _fails_to_check() -> None:
    Path("mine/model").mkdir(parents=True, exist_ok=True)
    Path("mine/model/odd.yaml").write_text("_target_: odd.none\n")
    with pytest.raises(ConfigError):
        ablate.train("model=odd", config_dir="mine")


CALLS = {
    "a run": lambda: ablate.train(*SHORT),
    "a wrong config": _wrong,
    "a wrong model": _fails_to_check,
    "a run that diverges": _diverges,
    "a run that is interrupted": _interrupted,
    "a study": lambda: ablate.study("regularizers", "study.seeds=1", "stack.workers=1", *SHORT),
    "a study with workers": lambda: ablate.study("regularizers", "study.seeds=1", "stack.workers=2", *SHORT),
}


@pytest.fixture
def occupied(tmp_path: Path) -> Iterator[None]:
    """A process of somebody's, with settings of its own in everything that we use too."""
    conf = tmp_path / "theirs"
    conf.mkdir()
    (conf / "app.yaml").write_text("mine: ${now:%Y}\n")
    state, filters = Singleton.get_state(), list(warnings.filters)
    handler = logging.FileHandler(tmp_path / "theirs.log", mode="w")
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    logging.getLogger("ablate").setLevel(logging.ERROR)
    terminated = signal.signal(signal.SIGTERM, lambda *_: None)
    torch.set_flush_denormal(True)
    torch.set_default_dtype(torch.float64)
    thresholds = gc.get_threshold()
    gc.set_threshold(900, 11, 12)
    warnings.simplefilter("error", ResourceWarning)
    random.seed(7)
    with initialize_config_dir(str(conf), version_base="1.2"):
        OmegaConf.register_new_resolver("now", lambda pattern: "theirs", replace=True)
        ConfigStore.instance().store("schema", {"theirs": 1})
        yield
        assert compose("app").mine == "theirs"
        assert ConfigStore.instance().load("schema.yaml").node == {"theirs": 1}
    logging.getLogger("theirs").warning("still written")
    logging.getLogger().removeHandler(handler)
    logging.getLogger("ablate").setLevel(logging.NOTSET)
    handler.close()
    assert (tmp_path / "theirs.log").read_text() == "still written\n"
    signal.signal(signal.SIGTERM, terminated)
    torch.set_flush_denormal(False)
    torch.set_default_dtype(torch.float32)
    gc.set_threshold(*thresholds)
    warnings.filters[:] = filters
    Singleton.set_state(state)


@pytest.mark.usefixtures("occupied")
@pytest.mark.parametrize("name", slow_ones(CALLS, ("a study", "a study with workers")))
def test_a_call_leaves_nothing_changed(name):
    before = snapshot()
    CALLS[name]()
    assert changed(before, snapshot()) == {}


def test_what_the_caller_has_set_does_not_decide_a_runs_figures():
    told = ablate.train(*SHORT)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad(), torch.inference_mode():
            history = ablate.train(*SHORT)
    finally:
        torch.set_default_dtype(torch.float32)
    pd.testing.assert_frame_equal(history.drop(columns="seconds"), told.drop(columns="seconds"))


@pytest.mark.slow
def test_the_first_call_of_a_process_leaves_nothing_changed():
    """It imports what the command line does without until it is needed."""
    code = (
        "import ablate, torch\n"
        "from hydra.core.plugins import Plugins\n"
        "Plugins.instance()  # finds what is installed, as any use of Hydra does\n"
        "from snapshots import changed, snapshot\n"
        "study = ablate.study\n"
        "before = snapshot()\n"
        "study('regularizers', 'study.seeds=1', 'trainer.epochs=1', progress=False)\n"
        "print(changed(before, snapshot()))\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path}
    )
    assert (done.stdout, done.returncode) == ("{}\n", 0), done.stderr


def test_logs_of_others_are_written_on_meanwhile(tmp_path):
    handler = logging.FileHandler("theirs.log")
    logging.getLogger().addHandler(handler)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Stack, "train_epoch", _told(Stack.train_epoch))
            folder = ablate.train(*SHORT).attrs["folder"]
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert Path("theirs.log").read_text() == "an epoch\n" * 2
    log = Path(folder, "ablate.log").read_text()
    assert log.count("WARNING an epoch") == 2 and log.count("INFO epoch 2/2") == 1


def _told(train_epoch: Callable[[Stack, int], None]) -> Callable[[Stack, int], None]:
    def told(self: Stack, epoch: int) -> None:
        logging.getLogger("theirs").warning("an epoch")
        train_epoch(self, epoch)

    return told


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """homes(name): a folder of this name, in which one then is."""

    def home(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        return folder

    return home


def test_a_run_leaves_what_the_command_line_leaves(capsys, homes):
    words = ["regularizer=l1", "hydra.run.dir=run", *SHORT]
    typed = homes("typed")
    assert main(words) == 0
    said = capsys.readouterr().out
    called = homes("called")
    ablate.train(*words)
    assert _timeless(capsys.readouterr().out) == _timeless(said)
    _same_files(typed, called)


@pytest.mark.slow
def test_a_study_leaves_what_the_command_line_leaves(homes):
    words = ["study.seeds=2", *SHORT]
    typed = homes("typed")
    assert main(["-m", "study=regularizers", *words]) == 0
    called = homes("called")
    ablate.study("regularizers", *words)
    _same_files(typed, called)


def _timeless(text: str) -> str:
    return re.sub(r"\d+\.\d+ s\b|\d{4}-\d\d-\d\d[T ][\d:,.+]+|events\.out\S+", "…", text)


def _same_files(typed: Path, called: Path) -> None:
    """The same names, and in those that hold no times the same content."""
    trees = [sorted(_timeless(str(path.relative_to(root))) for path in root.rglob("*")) for root in (typed, called)]
    assert trees[0] == trees[1]
    for path in typed.rglob("*"):
        other = called / path.relative_to(typed)
        if path.suffix == ".log":  # with a server's of another test, where there is one
            one, two = ([line for line in each.read_text().splitlines() if "epoch" in line] for each in (path, other))
            assert _timeless("\n".join(one)) == _timeless("\n".join(two)) != ""
        if path.suffix in (".yaml", ".safetensors"):
            one, two = (each.read_bytes().decode("latin-1") for each in (path, other))
            assert _timeless(one.replace("/typed", "/called")) == _timeless(two), path
        if path.name == "history.csv":
            frames = [pd.read_csv(each).drop(columns="seconds") for each in (path, other)]
            pd.testing.assert_frame_equal(*frames)


def test_threads_take_turns():
    told = {seed: ablate.train(f"seed={seed}", *SHORT)["loss/val"].tolist() for seed in (0, 1)}
    before = snapshot()
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda seed: ablate.train(f"seed={seed}", *SHORT)["loss/val"].tolist(), told)
        assert list(made) == list(told.values())
    assert changed(before, snapshot()) == {}


def test_a_running_event_loop_is_no_hindrance():
    async def notebook() -> tuple[pd.DataFrame, pd.DataFrame]:
        return ablate.train(*SHORT), await asyncio.to_thread(ablate.train, *SHORT)

    one, other = asyncio.run(notebook())
    assert one["loss/val"].tolist() == other["loss/val"].tolist()


@pytest.mark.slow
def test_it_works_within_an_application_of_hydras():
    Path("app.py").write_text(
        "import ablate, hydra\n"
        "from hydra.core.hydra_config import HydraConfig\n"
        "@hydra.main(version_base='1.3', config_path=None)\n"
        "def app(config):\n"
        f"    history = ablate.train(*{SHORT!r}, progress=False)\n"
        "    print(len(history), HydraConfig.get().job.name)\n"
        "app()\n"
    )
    done = subprocess.run([sys.executable, "app.py"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2 app\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_script_needs_no_main_guard(method):
    Path("mine/regularizer").mkdir(parents=True)
    Path("mine/regularizer/sum.py").write_text("def penalty(weight):\n    return weight.abs().sum()\n")
    Path("mine/regularizer/sum.yaml").write_text("sum: 1e-4\n")
    Path("script.py").write_text(
        "print('once')\n"
        "import ablate\n"
        "from ablate.execution import workers\n"
        f"workers.METHOD = {method!r}\n"
        "words = 'study.seeds=1', 'stack.workers=2', '+study.arms.sum=\"regularizer=sum\"', 'trainer.epochs=1'\n"
        "print(len(ablate.study('regularizers', *words, config_dir='mine', progress=False)))\n"
    )
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("once\n6\n", 0), done.stderr
    assert "died" not in done.stderr


@pytest.mark.slow
def test_no_worker_trains_on_when_a_study_is_interrupted_between_two_jobs(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Task, "_replay", interrupted)
    words = "study.seeds=2", "stack.workers=2", "stack.size=1", "trainer.epochs=20"
    with pytest.raises(KeyboardInterrupt) as kept:
        ablate.study("regularizers", *words, progress=False)
    assert not multiprocessing.active_children()
    del kept
