"""What is somebody's own stays as it is, whatever it is called."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.cli.main import main
from ablate.execution.stack_run import train_stack
from ablate.records.job import Job
from ablate.records.names import ASKED, COLUMNS, MARK, OWN_EVENTS, PREDICTION, RESULT
from ablate.records.ownership import RUN, SWEEP, TABLE, Kind, claim, disclaim, foreign
from ablate.utils.errors import ConfigError
from helpers import leave

KINDS = [RUN, SWEEP, TABLE]
NAMES = [(kind, name.rstrip("/").replace("*", "1")) for kind in KINDS for name in kind.names]
TINY = ("trainer.epochs=1", "model.hidden=[2]", "trainer.batch_size=2000")


def tree(folder: Path) -> dict[str, str | bytes]:
    """All that lies in a folder: of links where they lead, of files what is in them."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def _file(path: Path) -> None:
    path.write_text("my own")


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "notes").write_text("my own")


def _link(path: Path) -> None:
    path.with_name("target").write_text("my own")
    path.symlink_to("target")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


MAKES: list[Callable[[Path], None]] = [_file, _folder, _link, _dangling, os.mkfifo]


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=lambda value: getattr(value, "name", value))
def test_a_folder_in_which_somebody_has_one_of_our_names_is_not_claimed(tmp_path, kind, name):
    for i, make in enumerate(MAKES):
        folder = tmp_path / str(i)
        folder.mkdir()
        make(folder / name)
        before = tree(folder)
        with pytest.raises(ConfigError, match=r"is a link, or|was there before") as refused:
            claim(folder, kind)
        assert name in str(refused.value) and str(refused.value).isprintable()
        assert tree(folder) == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_was_claimed_is_ours_from_then_on_but_for_links(tmp_path, kind):
    assert claim(tmp_path, kind) and not claim(tmp_path, kind)
    for name in (name for name in kind.names if "*" not in name):
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("")
    assert foreign(tmp_path, kind) is None
    for other in KINDS:  # names that two kinds have in common are ours, whichever was claimed
        assert foreign(tmp_path, other) is None
    (tmp_path / "diary.log").touch()  # and no others
    assert "diary.log: was there before" in str(foreign(tmp_path, kind, ["diary.log"]))
    for name in (name for name in kind.names if "*" not in name):
        path = tmp_path / name
        path.rmdir() if path.is_dir() else path.unlink()
        for make in MAKES:
            if (make is _file and not name.endswith("/")) or (make is _folder and name.endswith("/")):
                continue
            make(path)
            with pytest.raises(ConfigError, match="is a link, or"):
                claim(tmp_path, kind)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def test_a_link_within_a_folder_of_ours_is_none_to_write_through(tmp_path):
    claim(tmp_path, TABLE)
    (tmp_path / "comparison" / "l1").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "comparison" / "l1" / "deep").symlink_to(tmp_path / "mine")
    assert "is a link" in str(foreign(tmp_path, TABLE))


@pytest.mark.parametrize("kind", [RUN, SWEEP], ids=lambda kind: kind.name)
def test_a_mark_is_not_needed_where_what_lies_there_proves_it(tmp_path, kind: Kind, study):
    """Folders that were copied without what begins with a dot."""
    leave(tmp_path / "run", "none", 0)
    folder = study if kind is SWEEP else tmp_path / "run"
    (folder / ".hydra").mkdir(exist_ok=True)
    for name in {name for name in kind.names if "/" not in name} - {RESULT, ASKED, "model.safetensors", "history.csv"}:
        (folder / name).touch()
    assert foreign(folder, kind) is None
    (folder / (ASKED if kind is SWEEP else RESULT)).write_text(json.dumps({"name": "somebody's"}))
    assert "was there before" in str(foreign(folder, kind))


def test_a_checkpoint_proves_a_run_that_has_not_ended(configured, tmp_path):
    job = Job(configured(*TINY[1:], "trainer.epochs=3", "trainer.checkpoint_every=1"), tmp_path / "run")
    stopped = train_stack([job])
    list(itertools.islice(stopped, 2))
    stopped.close()
    (job.folder / MARK).unlink()
    assert foreign(job.folder, RUN) is None


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("name", "make"),
    [
        (".hydra", _file),
        ("ablate.log", _link),
        ("checkpoint.safetensors", os.mkfifo),
        *((MARK, make) for make in MAKES),
    ],
)
def test_a_run_is_refused_a_folder_of_somebody_elses_and_changes_nothing_there(name, make, capsys):
    Path("mine").mkdir()
    make(Path("mine", name))
    before, files = tree(Path()), sorted(Path("mine").iterdir())
    plain_mark = name == MARK and make is _file
    assert main([*TINY, "hydra.run.dir=mine"]) == (0 if plain_mark else 2)
    if not plain_mark:
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and f"mine/{name}" in said
        assert tree(Path()) == before and sorted(Path("mine").iterdir()) == files


def test_what_a_refused_command_has_claimed_is_given_back_and_nothing_else(tmp_path):
    """In a folder that nobody has marked, and in one that is marked for something else."""
    folder = tmp_path / "run"
    leave(folder, "none", 0)
    before = tree(folder)
    new = claim(folder, RUN, [".hydra/", "ablate.log"])
    assert set(new) == {COLUMNS, PREDICTION, "checkpoint.safetensors", ".earlier/", OWN_EVENTS, ".hydra/", "ablate.log"}
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").touch()
    (folder / "events.out.tfevents.1.ablate").touch()
    disclaim(folder, new)
    assert tree(folder).keys() - {MARK} == before.keys()
    claim(folder, TABLE)
    marked = tree(folder)
    disclaim(folder, claim(folder, RUN, ["diary.log"]))
    assert tree(folder) == marked
    (folder / "diary.log").touch()
    assert "diary.log: was there before" in str(foreign(folder, RUN, ["diary.log"]))


def test_a_table_of_before_there_were_marks_is_known_by_its_heading(tmp_path):
    for text, ours in (("arm,seed,status,dataset\n", True), ("name,seed\n", False)):
        (tmp_path / "runs.csv").write_text(text)
        (tmp_path / "report.html").touch()
        assert (foreign(tmp_path, TABLE) is None) == ours
