"""What a command holds while it works, and takes away again when it is refused."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from ablate.cli.command import Command
from ablate.cli.main import main
from ablate.cli.task import Task
from ablate.options.discovery import using
from ablate.records.names import LOCK, MARK
from ablate.records.ownership import SWEEP
from ablate.records.sweeps import Sweep
from ablate.utils.errors import ConfigError
from helpers import leave

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.slow
def test_two_processes_do_not_share_a_sweeps_folder(capsys):
    Path("sweep").mkdir()
    with FileLock("sweep/.lock"):
        assert main(["-m", "seed=0,1", "trainer.epochs=1", "hydra.sweep.dir=sweep"]) == 2
    assert "sweep: another process is at work there" in capsys.readouterr().err
    assert [path.name for path in Path("sweep").iterdir()] == [".lock"]
    assert main(["-m", "seed=0,1", "trainer.epochs=1", "hydra.sweep.dir=sweep"]) == 0


@pytest.mark.parametrize("words", [["hydra.run.dir=mine/deep/run"], ["-m", "seed=0,1", "hydra.sweep.dir=mine/deep/s"]])
def test_a_refused_command_takes_away_what_it_has_made_and_nothing_else(words, capsys, monkeypatch):
    Path("mine").mkdir()
    Path("mine/notes").write_text("my own")
    held = Command.take

    def take(self: Command, *how: object) -> None:
        held(self, *how)
        Path("mine/others").mkdir()  # somebody else is at work beside it

    monkeypatch.setattr(Command, "take", take)
    assert main([*words, "hydra.job_logging.handlers.file.class=nope", "trainer.epochs=0"]) == 2
    assert sorted(str(path) for path in Path().rglob("*")) == (
        ["mine", "mine/notes"] if "-m" not in words else ["mine", "mine/notes", "mine/others"]
    )


SHORT = ("trainer.epochs=1", "model.hidden=[4]")


@pytest.mark.slow
def test_a_single_run_does_not_touch_a_folder_in_which_another_is_at_work(capsys):
    Path("run").mkdir()
    with FileLock("run/.lock"):
        assert main([*SHORT, "hydra.run.dir=run"]) == 2
    assert [path.name for path in Path("run").iterdir()] == [".lock"]


def test_a_persons_own_files_are_left_alone():
    for name in (".backup.2024", ".notes.1"):
        Path("run", name).mkdir(parents=True)
    Path("run", f".result.json.{2**22 + 1}.ablate-part").write_text("{")
    assert main([*SHORT, "hydra.run.dir=run"]) == 0
    names = {path.name for path in Path("run").iterdir()}
    assert {".backup.2024", ".notes.1"} <= names and not any("ablate-part" in name for name in names)


def test_a_command_that_is_kept_out_of_a_folder_takes_nothing_away(monkeypatch):
    monkeypatch.setattr("ablate.records.locks.PATIENCE", 0)
    folder = Path("outputs/sweep").absolute()
    early, late = Command(), Command()
    early.take([(folder, False)], SWEEP)
    (folder / "study.json").touch()
    with pytest.raises(ConfigError, match="another process is at work there"):
        late.take([(folder, False)], SWEEP)
    late.leave_nothing()
    assert {path.name for path in folder.iterdir()} == {LOCK, MARK, "study.json"}
    with pytest.raises(ConfigError, match="another process is at work there"):  # and still keeps others out
        Command().take([(folder, False)], SWEEP)
    early.leave_nothing()
    early.release()
    assert not Path("outputs").exists()


def test_a_folder_that_was_ours_before_is_left_as_it_is():
    folder = Path("sweep").absolute()
    for refused in (False, True):
        command = Command()
        command.take([(folder, False)], SWEEP)
        (folder / "study.json").touch()
        if refused:
            command.leave_nothing()
        command.release()
    assert {path.name for path in folder.iterdir()} == {LOCK, MARK, "study.json"}


@pytest.mark.parametrize("words", [["hydra.run.dir=old"], ["-m", "seed=0,1", "hydra.sweep.dir=old"]])
def test_a_refused_command_takes_nothing_from_a_folder_of_before_there_were_marks(words, capsys):
    folder = Path("old")
    if "-m" in words:
        folder.mkdir()
        Sweep([], None, None, None, []).write(folder)
        for name in ("runs.csv", "report.html", "multirun.yaml"):
            (folder / name).write_text("a sweep's")
    else:
        leave(folder, "none", 0)
        leave(folder / "within", "none", 0)  # for which a run is refused the folder
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert main([*SHORT, *words, *["model.hidden=[0]"] * ("-m" in words)]) == 2
    after = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert {path: content for path, content in after.items() if path.name != MARK} == before
    assert capsys.readouterr().err.count("\n") == 1


def test_the_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    assert main(["regularizr=1"]) == 2
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_a_task_knows_options_of_ones_own_in_another_process():
    """Other launchers send it there, and compose the job before they call it."""
    Path("mine/regularizer").mkdir(parents=True)
    Path("mine/regularizer/hoyer.py").write_text("def penalty(weight):\n    return weight.sum()\n")
    with using([Path("mine")]):
        sent = pickle.dumps(Task(Command(["regularizer=hoyer"])))
    code = (
        "import pickle, sys\n"
        f"task = pickle.loads({sent!r})\n"
        "from ablate import regularizers\n"
        "from hydra.core.config_store import ConfigStore\n"
        "zeros = ConfigStore.instance().load('schema.yaml').node.regularizer\n"
        "print('hoyer' in regularizers.names(), 'hoyer' in zeros, task.command.arguments)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True ['regularizer=hoyer']\n"
