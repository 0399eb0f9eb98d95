"""Where runs and sweeps go."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ablate
from ablate.cli.main import main
from ablate.execution.stack_run import train_stack
from ablate.records import checkpoints
from ablate.records.job import Job

pytestmark = pytest.mark.usefixtures("elsewhere")
TINY = ("trainer.epochs=1", "model.hidden=[2]", "trainer.batch_size=2000", "logging.tensorboard=false")


def results() -> dict[str, int]:
    return {str(path.parent): json.loads(path.read_text())["seed"] for path in Path().rglob("result.json")}


def test_runs_of_one_second_have_a_folder_each(monkeypatch):
    monkeypatch.setattr("hydra.core.utils.datetime", _Stopped)
    folders = [ablate.train(f"seed={s}", *TINY, progress=False).attrs["folder"] for s in range(3)]
    assert len(set(folders)) == 3 and results().keys() == {os.path.relpath(folder) for folder in folders}
    assert [Path(folder).name for folder in folders] == ["10-00-00", "10-00-00-2", "10-00-00-3"]


def test_sweeps_of_one_second_have_a_folder_each(monkeypatch):
    monkeypatch.setattr("hydra.core.utils.datetime", _Stopped)
    for _ in range(2):
        assert main(["-m", "seed=0,1", *TINY]) == 0
    assert {Path(folder).parts[3] for folder in results()} == {"10-00-00", "10-00-00-2"} and len(results()) == 4


def test_a_folder_that_is_not_named_by_the_second_is_the_one_that_is_meant(capsys):
    for _ in range(2):
        assert main(["seed=0", *TINY, "hydra.run.dir=outputs/${now:%Y}"]) == 0
    assert list(results().values()) == [0]
    before = {path: path.read_bytes() for path in Path("outputs").rglob("*") if path.is_file()}
    assert main(["seed=1", *TINY, "hydra.run.dir=outputs/${now:%Y}"]) == 2  # it would take the place of a finished one
    assert "none seed 0 has finished there, with other settings" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path("outputs").rglob("*") if path.is_file()} == before
    for _ in range(2):
        assert main(["-m", "study=regularizers", "study.seeds=1", "regularizer=none", *TINY]) == 0
    assert len(list(Path("outputs/studies").iterdir())) == 1


@pytest.mark.slow
def test_commands_that_start_at_once_leave_a_result_each():
    command = [sys.executable, "-m", "ablate", *TINY]
    started = [subprocess.Popen([*command, f"seed={seed}"], stdout=subprocess.DEVNULL) for seed in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    assert sorted(results().values()) == [0, 1, 2, 3]


class _Stopped:
    """A clock that stands still."""

    @staticmethod
    def now() -> object:
        from datetime import datetime

        return datetime(2026, 1, 1, 10)


@pytest.mark.parametrize("own", ["history.csv", "ablate.log", ".hydra", "link", "above", "unreadable"])
def test_a_run_of_a_sweep_goes_beside_what_is_somebodys_own(own, monkeypatch, capsys):
    place = Path("sweep/arm/s0")
    if own == "above":
        Path("sweep").mkdir()
        Path("mine").mkdir()
        place.parent.symlink_to("../mine")
    elif own == "link":
        place.mkdir(parents=True)
        Path("mine").write_text("my own")
        (place / "history.csv").symlink_to("../../../mine")
    elif own == "unreadable":
        place.mkdir(parents=True)
        monkeypatch.setattr("ablate.cli.places.foreign", _fails_in(place.resolve()))
    else:
        place.mkdir(parents=True)
        (place / own).write_text("my own")
    before = sorted(path for path in Path().rglob("*") if "arm" in str(path) or path.name == "mine")
    words = ["seed=0,1", *TINY, "hydra.sweep.dir=sweep", "hydra.sweep.subdir=arm/s${seed}"]
    for n in range(2):  # and is found there
        assert main(["-m", *words]) == 0
        shown = capsys.readouterr()
        assert ("2 reused" in shown.out) == n and ("the run goes beside it" in shown.err) != n
        assert len(results()) == 2 and not any(Path(folder) == place for folder in results())
    assert all(os.path.lexists(path) for path in before)
    assert not Path("mine").is_dir() or not list(Path("mine").iterdir())


def test_a_run_that_was_killed_keeps_its_place_and_its_checkpoint(configured):
    killed = Job(configured(*TINY[1:], "trainer.epochs=9", "trainer.checkpoint_every=1"), Path("sweep/a").absolute())
    stopped = train_stack([killed])
    list(itertools.islice(stopped, 3))
    stopped.close()
    assert main(["-m", *TINY, "seed=0", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=a"]) == 0
    assert checkpoints.epoch(killed) == 3 and len(results()) == 1


@pytest.mark.parametrize("name", ["report.html", "comparison", "study.json/a", ".lock", ".ablate", "../a", "a/../.."])
def test_no_run_is_put_where_the_sweep_has_files_of_its_own_or_outside(name, capsys):
    assert main(["-m", *TINY, "seed=0,1", "hydra.sweep.dir=sweep", f"hydra.sweep.subdir={name}"]) == 2
    assert "hydra.sweep.subdir=" in capsys.readouterr().err and not Path("sweep").exists()


@pytest.mark.parametrize("sweeper", ["study", "basic"])
@pytest.mark.parametrize("name", [".hydra", "ablate.log", ""])
def test_nothing_is_written_through_a_link_whichever_sweeper_there_is(name, sweeper, capsys):
    Path("mine").mkdir()
    Path("mine/notes").write_text("my own")
    place = Path("sweep/r") / name
    place.parent.mkdir(parents=True)
    place.symlink_to(Path("mine").absolute() / ("notes" if "log" in name else ""))
    words = ["seed=0", *TINY, f"hydra/sweeper={sweeper}", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=r"]
    assert main(["-m", *words]) == (0 if sweeper == "study" else 2)
    assert [path.read_text() for path in Path("mine").iterdir()] == ["my own"]


def _fails_in(place: Path):
    from ablate.records.ownership import foreign

    def looked(folder: Path, *how: object) -> str | None:
        if folder.resolve() == place:
            raise PermissionError(13, "Permission denied", str(folder))
        return foreign(folder, *how)

    return looked
