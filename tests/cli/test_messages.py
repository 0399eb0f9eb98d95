"""What is said of a wrong command line, module or option: one line, exit status 2, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ablate.cli.main import main
from ablate.config import registration
from helpers import ROOT, ablate

pytestmark = pytest.mark.usefixtures("elsewhere")

REGULARIZERS = ", ".join(sorted(path.stem for path in (registration.folder() / "regularizer").glob("*.yaml")))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["regularizer=dropuot"], f"regularizer=dropuot: must be one of {REGULARIZERS}"),
        (["regularizer=dropuot"], "did you mean dropout?"),
        (["regularizr.l1=0.1"], "regularizr.l1: no such key; did you mean regularizer.l1?"),
        (["modle=mlp"], "modle: no such key; did you mean model?"),
        (["regularizer.l1=-1"], "regularizer.l1=-1: must be greater than or equal to 0"),
        (["seed=[1"], "seed=[1: can't be read"),
        (["dataset=mnist", "dataset.root=nowhere"], "dataset.root=nowhere: "),
        (["model=lenet", "dataset=noise"], "model=lenet: takes images"),
        (["hydra.run.dir=file/run"], "file/run: can't be written"),
        ([f"model.hidden={'[' * 500}1{']' * 500}"], "is nested too deeply"),
        ([f"+x={'{a:' * 500}1{'}' * 500}"], "is nested too deeply"),
        ([f"dataset.root={'f(' * 500}1{')' * 500}"], "is nested too deeply"),
        (["hydra.run.dir=" + "d/" * 3000], "is too long, or too many folders deep"),
        (["-m", "seed=0", "hydra.sweep.dir=" + "d/" * 300], "is too long, or too many folders deep"),
        (["-m", "hydra.sweep.dir=x", "hydra.sweep.subdir=" + "d/" * 3000], "can't be written"),
        (["trainer.epochs=1", "-m", "seed=0,1"], "python -m ablate -m KEY=VALUE"),
        (["-m", "hydra.sweeper.max_batch_size=0"], "hydra.sweeper.max_batch_size=0: must be 1 or more"),
        (["-m", "hydra.sweeper.max_batch_size=-2"], "-1 or null: all runs at once"),
        (["-m", "study=regularizers", "study.seeds=100000"], "…: makes a sweep of more than 100,000 runs"),
        ([f"{'x' * 9000}.y=1"], "too long"),
        (["-m", "seed=0,1", "hydra.sweep.dir=file/sweep"], "file/sweep: can't be written"),
        (["-m", "seed=0,1", "regularizer.l1=-2,-1"], "regularizer.l1=-2: must be greater than or equal to 0"),
        (["-m", "seed=0,1", "regularizer=l4"], "regularizer=l4: must be one of"),
        (["model.output_dropout=0.5"], "model.output_dropout: no such key"),
        (["dataset=0"], "dataset=0: must be one of breast_cancer, cifar10, csv"),
        (["--nope"], "unrecognized arguments: --nope"),
        (["-m", "--cfg", "job"], "--multirun: goes without --cfg"),
        (["-m", "--info"], "--multirun: goes without --info"),
        (["optimizer.eps"], "optimizer.eps: isn't key=value; python -m ablate --help lists the keys"),
        (["train"], "train: isn't key=value; python -m ablate --help lists the keys"),
        (["tensorbord", "outputs"], "tensorbord: isn't key=value; did you mean tensorboard?"),
        (["seed=0,1"], "seed=0,1: several values need -m"),
        (["model.hidden=64"], "model.hidden=64: must be a list, such as [64]"),
        (["seed=é"], "seed=é: can't be read: a character in it wants quotes"),
        (["model.hidden=[100000000]"], "model=mlp: its 7,500,000,010 parameters take 240.0 GB of memory"),
        (["dataset=noise", "dataset.size=1000000000000"], "dataset=noise: 2,000,000,000,000 samples"),
        (["hydra.run.dir=" + "x" * 300], "can't be written: is no name for a file"),
        (["hydra.run.dir='a\0b'"], "can't be written: is no name for a file"),
        (["hydra.job_logging.handlers.file.class=nope"], "Unable to configure handler"),
        (["-m", "seed=range(1000000000)"], "seed=range(1000000000): makes a sweep of more than 100,000 runs"),
        (["-m", "seed=shuffle(range(1000000000))"], "makes a sweep of more than 100,000 runs"),
        (["-m", "seed=range(0)"], "seed=range(0): sweeps over nothing"),
        (["-m", "seed=range(0)", "hydra/sweeper=basic"], "this sweep has no runs"),
        (["-m", "study=regularizers", "study.seeds=1000000000"], "study.seeds=1000000000: must be less than or equal"),
        (["-m", "seed=0,1", "hydra.sweep.subdir=" + "x" * 300], "can't be written: is no name for a file"),
        (["-m", "seed=0,1", "hydra.sweep.subdir=.."], "hydra.sweep.subdir=..: must be a folder below the sweep's"),
        (["-m", "seed=0,1", "hydra.sweep.subdir=a/../.."], "hydra.sweep.subdir=..: must be a folder below the sweep's"),
    ],
)
def test_a_wrong_config_gives_one_line_exit_status_2_and_leaves_nothing(capsys, arguments, said):
    Path("file").write_text("")
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and shown.out == ""
    assert [path.name for path in Path().iterdir()] == ["file"]


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """A copy of the project, for modules and options that are wrong."""
    project = tmp_path_factory.mktemp("project")
    for part in ("conf", "src"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    return project


PENALTY = "def penalty(weight):\n    return "


@pytest.mark.parametrize(
    ("file", "content", "arguments", "said"),
    [
        (
            "src/ablate/regularizers/my.py",
            "def penalti(weight): ...",
            [],
            "FILE: penalti: must be one of ascent, average, decay,",
        ),
        (
            "src/ablate/regularizers/my.py",
            "def penalty(",
            [],
            "FILE, line 1: can't be imported: SyntaxError: '(' was never",
        ),
        ("src/ablate/regularizers/my.py", "\nx = y", [], "FILE, line 2: can't be imported: NameError: name 'y'"),
        ("src/ablate/models/my.py", "import nosuch", ["model=mlp", "model.name=my"], "FILE, line 1: can't be imported"),
        (
            "src/ablate/data/my.py",
            "import nosuch",
            ["dataset.name=my"],
            "ModuleNotFoundError: No module named 'nosuch'",
        ),
        ("conf/regularizer/my.yaml", "l1: [1\nl2", ["regularizer=my"], "FILE, line 2: can't be read: expected ','"),
        ("conf/regularizer/my.yaml", "l1: [1\nl2", ["-m", "regularizer=my", "seed=0,1"], "FILE, line 2: can't be read"),
        ("conf/regularizer/my.yaml", "l1: [1\nl2", ["regularizer=mi"], "regularizer=mi: must be one of"),
        ("conf/regularizer/my.yaml", "l1: [1\nl2", ["modle=mlp"], "modle: no such key; did you mean model?"),
        (
            "conf/regularizer/my.yaml",
            "my: 1.0",
            ["regularizer=my"],
            f"no module {Path('src/ablate/regularizers/my.py')}",
        ),
        (
            "src/ablate/regularizers/my.py",
            f"{PENALTY}weight.abs().sum(1)",
            ["regularizer.my=1"],
            "penalty(weight) in FILE must return one number, as a tensor; it returned a tensor of shape [10]",
        ),
        (
            "src/ablate/regularizers/my.py",
            f"{PENALTY}float(weight.numel())",
            ["-m", "regularizer.my=0.1,1", "seed=0,1"],
            "must return one number, as a tensor; it returned 640.0, no tensor",
        ),
        (
            "src/ablate/regularizers/my.py",
            f"{PENALTY}weight.smu()",
            ["regularizer.my=1"],
            "penalty(weight) in FILE, line 2 fails: AttributeError",
        ),
    ],
)
def test_a_wrong_module_or_option_gives_one_line_exit_status_2_and_leaves_nothing(
    copied, monkeypatch, file, content, arguments, said
):
    monkeypatch.chdir(copied)
    monkeypatch.setenv("PYTHONPATH", "src")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    Path(file).write_text(content)
    try:
        done = ablate(*arguments)
    finally:
        Path(file).unlink()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert said.replace("FILE", str(Path(file))) in done.stderr
    assert {path.name for path in Path().iterdir()} == {"conf", "src"}


def test_hydras_own_sweeper_and_launcher_name_a_bad_value_too(capsys):
    assert main(["-m", "hydra/sweeper=basic", "hydra/launcher=basic", "regularizer.l1=abc,0", "trainer.epochs=1"]) == 2
    assert "error: regularizer.l1=abc: " in capsys.readouterr().err


def test_an_option_of_ones_own_that_is_a_pipe_is_not_waited_for(capsys):
    for name in ("mlp9.yaml", "device.yaml"):
        (place := Path("mine/model")).mkdir(parents=True, exist_ok=True)
        os.mkfifo(place / name) if name == "mlp9.yaml" else (place / name).symlink_to("/dev/zero")
    assert main(["--config-dir=mine", "modle.hidden=[2]"]) == 2
    assert "modle.hidden: no such key; did you mean model.hidden?" in capsys.readouterr().err
