"""What a command holds while it works, and takes away again when it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from ablate.cli.command import Command
from ablate.cli.main import main

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.slow
def test_two_processes_do_not_share_a_sweeps_folder(capsys):
    Path("sweep").mkdir()
    with FileLock("sweep/.lock"):
        assert main(["-m", "seed=0,1", "trainer.epochs=1", "hydra.sweep.dir=sweep"]) == 2
    assert "sweep: another process is at work there" in capsys.readouterr().err
    assert [path.name for path in Path("sweep").iterdir()] == [".lock"]
    assert main(["-m", "seed=0,1", "trainer.epochs=1", "hydra.sweep.dir=sweep"]) == 0


def test_a_refused_command_takes_away_its_own_folder_and_no_other(monkeypatch, capsys):
    logging = "hydra.job_logging.handlers.file.class=nope"  # Hydra stumbles over it when the folder is there
    monkeypatch.setattr(Command, "place", _while_another_starts)
    assert main([logging, "hydra.run.dir=outputs/runs/mine"]) == 2
    assert [str(path) for path in Path().rglob("*")] == ["outputs", "outputs/runs", "outputs/runs/others"]


def _while_another_starts(self: Command, folder: Path, sweep: bool) -> None:
    self.folder, self.made = folder.absolute(), Path("outputs").absolute()
    Path("outputs/runs/others").mkdir(parents=True)


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
