"""The commands, as people type them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from ablate import __version__
from ablate.config import schema as config
from ablate.cli.callbacks import Prepare
from ablate.cli.main import main
from conftest import MNIST

ROOT = Path(__file__).parents[1]
SCRIPT = Path(sys.executable).with_name("ablate")
EXPERIMENTS = sorted(path.stem for path in (config.folder() / "experiment").glob("*.yaml"))
REGULARIZERS = ", ".join(sorted(path.stem for path in (config.folder() / "regularizer").glob("*.yaml")))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ablate(*arguments: str, module: str = "ablate") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module] if module == "ablate" else [sys.executable, module]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def test_one_run_from_the_command_line():
    done = ablate("regularizer=l1", "model.dropout=0.2", "trainer.epochs=3")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "epoch 3/3" in done.stdout and "l1=3e-4 dropout=0.2 · seed 0 · finished" in done.stdout
    assert "\x1b" not in done.stdout  # no colours in a file
    (folder,) = Path("outputs/runs").glob("*/*")
    assert {p.name for p in (folder / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    result = json.loads((folder / "result.json").read_text())
    assert result["config"]["regularizer"]["l1"] == 3e-4 and result["config"]["model"]["dropout"] == 0.2


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs(name, capsys):
    assert main([f"experiment={name}", "trainer.epochs=2", "hydra.run.dir=run"]) == 0
    assert "finished" in capsys.readouterr().out


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_presets_take_another_optimizer(optimizer):
    assert main(["experiment=notes_dropout", f"optimizer={optimizer}", "trainer.epochs=1", "model.hidden=[8]"]) == 0


def test_a_sweep_and_the_compare_script_end_with_the_same_table(capsys):
    arguments = ["regularizer=none,l1", "seed=0,1,2", "trainer.epochs=3"]
    assert main(["-m", *arguments, "hydra.sweep.dir=sweep"]) == 0
    out = capsys.readouterr().out
    assert "6 runs in" in out and "Too few seeds for a verdict" in out
    assert f"report  {Path('sweep/report.html')}" in out and Path("sweep/report.html").is_file()
    csv, text = (Path(f"sweep/comparison.{kind}").read_bytes() for kind in ("csv", "md"))
    again = ablate("sweep", module=str(ROOT / "scripts" / "compare.py"))
    assert again.returncode == 0, again.stderr
    assert out[out.index("6 runs on digits") :] == again.stdout
    assert Path("sweep/comparison.csv").read_bytes() == csv
    assert Path("sweep/comparison.md").read_bytes() == text


def test_the_sweep_script_takes_overrides():
    done = ablate("seed=0", "trainer.epochs=2", "hydra.sweep.dir=sweep", module=str(ROOT / "scripts" / "sweep.py"))
    assert done.returncode == 0, done.stderr
    arms = [line.split(",")[0] for line in Path("sweep/comparison.csv").read_text().splitlines()[1:]]
    assert arms[0] == "none" and set(arms) == {"none", "l1=3e-4", "l2=1e-3", "dropout=0.2", "patience=5"}


@pytest.mark.parametrize("launcher", ["basic", "stacked"])
def test_a_failed_run_is_a_row_and_the_exit_status_1(capsys, launcher):
    arguments = ["-m", f"hydra/launcher={launcher}", "optimizer=sgd", "optimizer.lr=0.1,1e6", "regularizer=l2"]
    assert main([*arguments, "trainer.epochs=2", "hydra.sweep.dir=sweep"]) == 1
    shown = capsys.readouterr()
    assert "2 runs on digits" in shown.out and "diverged: loss/train is" in shown.out
    assert "run failed: " in shown.err


def test_a_single_run_that_diverges_exits_with_1(capsys):
    assert main(["optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2", "hydra.run.dir=run"]) == 1
    assert "diverged" in capsys.readouterr().err
    assert json.loads(Path("run/result.json").read_text())["status"] == "diverged"


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
        (["-m", "seed=0,1", "hydra.sweep.dir=file/sweep"], "file/sweep: can't be written"),
        (["-m", "seed=0,1", "regularizer.l1=-2,-1"], "regularizer.l1=-2: must be greater than or equal to 0"),
        (["-m", "seed=0,1", "regularizer=l4"], "regularizer=l4: must be one of"),
        (["model.output_dropout=0.5"], "model.output_dropout: no such key"),
        (["dataset=0"], "dataset=0: must be one of cifar10, digits"),
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
        (["dataset=noise", "dataset.samples=1000000000000"], "dataset=noise: 2,000,000,000,000 samples"),
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
        ("src/ablate/regularizers/my.py", "def penalti(weight): ...", [], "FILE: must define penalty(weight), or"),
        ("src/ablate/regularizers/my.py", "def penalty(", [], "FILE: can't be imported: SyntaxError: '(' was never"),
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
            "penalty(weight) in FILE must return one number, as a tensor; it returned a tensor of shape [8]",
        ),
        (
            "src/ablate/regularizers/my.py",
            f"{PENALTY}float(weight.numel())",
            ["-m", "regularizer.my=0.1,1", "seed=0,1"],
            "must return one number, as a tensor; it returned 128.0, no tensor",
        ),
        (
            "src/ablate/regularizers/my.py",
            f"{PENALTY}weight.smu()",
            ["regularizer.my=1"],
            "penalty(weight) in FILE fails: AttributeError",
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


def test_much_dropout_is_warned_of_and_trained(capsys):
    assert main(["model.dropout=0.5", "trainer.epochs=1"]) == 0
    assert "warning: model.dropout=0.5 is above 0.3" in capsys.readouterr().err


def test_help_lists_groups_and_keys_without_torch():
    code = "import sys; from ablate.cli.main import main\ntry: main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"regularizer: {REGULARIZERS}" in done.stdout
    assert "batch_size: 32" in done.stdout


def test_a_folder_of_ones_own_joins_the_groups(capsys):
    Path("mine/regularizer").mkdir(parents=True)
    Path("mine/regularizer/gentle.yaml").write_text("l2: 1.0e-5\n")
    assert main(["--config-dir", "mine", "regularizer=gentle", "trainer.epochs=1", "hydra.run.dir=run"]) == 0
    assert json.loads(Path("run/result.json").read_text())["arm"] == "l2=1e-5"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cfg", "job"], "dropout: ${regularizer.dropout}"),
        (["--cfg", "job", "--resolve", "regularizer=dropout"], "dropout: 0.2"),
        (["--cfg", "job", "--package", "regularizer", "regularizer.l1=0.5"], "l1: 0.5"),
        (["--cfg", "job", "study=strengths"], "baseline: none"),
        (["--cfg", "hydra"], "_target_: hydra_plugins.ablate.launcher.StackedLauncher"),
        (["--cfg", "all"], "_target_: hydra_plugins.ablate.sweeper.StudySweeper"),
        (["--info"], "Config search path"),
        (["--info", "config"], "hydra/launcher/stacked"),
        (["--info", "defaults"], "regularizer/none"),
        (["--info", "defaults-tree"], "early_stopping: none"),
        (["--info", "searchpath"], "structured://"),
        (["--info", "plugins"], "StackedLauncher"),
        (["--hydra-help"], "hydra/sweeper: basic, study"),
        (["--help"], "ablate tensorboard"),
        (["--version"], f"ablate {__version__} (Python 3"),
        (["--shell-completion", "install=bash"], "complete -o nospace"),
        (["--shell-completion", "install=zsh"], "complete -o nospace"),
        (["--shell-completion", "install=fish"], "complete -c ablate"),
    ],
)
def test_what_only_tells_something_leaves_nothing_behind(arguments, said):
    done = ablate(*arguments)
    assert done.returncode == 0 and said in done.stdout and done.stderr == ""
    assert not list(Path().iterdir())


@pytest.mark.skipif(not shutil.which("bash") or not SCRIPT.exists(), reason="wants bash, and ablate installed")
def test_bash_completes_groups_options_and_keys():
    script = """
        eval "$(ablate -sc install=bash)"
        for COMP_LINE in "ablate regul" "ablate regularizer=" "ablate regularizer.l" "ablate -m study=" "ablate a b="
        do
            COMP_POINT=${#COMP_LINE} COMP_WORDS=($COMP_LINE) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            hydra_bash_completion
            echo "${COMPREPLY[*]}"
        done
    """
    path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "--norc", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert done.stderr == "" and done.stdout.splitlines() == [
        "regularizer. regularizer=",
        " ".join(f"regularizer={name}" for name in REGULARIZERS.split(", ")),
        " ".join(f"regularizer.{key}=" for key in sorted(config.Regularizer.model_fields) if key.startswith("l")),
        "study=combine study=regularizers study=strengths",
        "",  # what can't be read has no completions, and no error in the middle of typing
    ]


def test_a_failed_run_is_told_once(capsys):
    assert main(["optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2", "hydra.run.dir=run"]) == 1
    shown = capsys.readouterr()
    assert shown.err == "run failed: l2=1e-3 seed 0: diverged: loss/train is nan in epoch 1\n"
    assert "l2=1e-3 · seed 0 · diverged" in shown.out


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST's files are not here")
def test_mnist_is_read_from_a_folder(capsys):
    arguments = ["dataset=mnist", f"dataset.root={MNIST}", "model.hidden=[32]", "trainer.epochs=1"]
    assert main([*arguments, "trainer.batch_size=256", "hydra.run.dir=run"]) == 0
    result = json.loads(Path("run/result.json").read_text())
    assert result["metrics"]["accuracy/test"] > 0.85


def test_hydras_own_sweeper_and_launcher_name_a_bad_value_too(capsys):
    assert main(["-m", "hydra/sweeper=basic", "hydra/launcher=basic", "regularizer.l1=abc,0", "trainer.epochs=1"]) == 2
    assert "error: regularizer.l1=abc: " in capsys.readouterr().err


def test_two_runs_never_share_a_folder(capsys):
    arguments = ["-m", "regularizer=none,l1", "seed=0,1", "trainer.epochs=1", "hydra.sweep.subdir=${seed}"]
    for reused in (0, 4):
        assert main([*arguments, "hydra.sweep.dir=sweep"]) == 0
        out = capsys.readouterr().out
        assert ("4 runs: 4 reused, 0 to do" in out) == (reused == 4)
    assert "has no row of its own" not in out
    results = {path.parent.name: json.loads(path.read_text()) for path in Path("sweep").glob("*/result.json")}
    assert {(r["arm"], r["seed"]) for r in results.values()} == {(a, s) for a in ("none", "l1=3e-4") for s in (0, 1)}
    assert {"0", "1"} < set(results)


def test_a_job_that_cannot_be_composed_is_a_row_and_the_others_go_on(capsys):
    arguments = ["-m", "regularizer=none,l4", "regularizer.l2=0,-1", "seed=0,1", "trainer.epochs=1", "model.hidden=[4]"]
    for _ in range(2):  # nor is it taken for done the second time
        assert main([*arguments, "hydra.sweep.dir=sweep"]) == 1
        out = capsys.readouterr().out
        told = " ".join(out.split())
        assert "regularizer.l2=-1 seeds 0 to 1: failed: regularizer.l2=-1: must be greater than" in told
        assert "regularizer=l4: must be one of" in out
    assert "8 runs: 2 reused, 0 to do, 6 can't be trained" in out and "2 finished, 6 failed; 2 reused" in out


def test_two_processes_do_not_share_a_sweeps_folder(capsys):
    Path("sweep").mkdir()
    with FileLock("sweep/.lock"):
        assert main(["-m", "seed=0,1", "trainer.epochs=1", "hydra.sweep.dir=sweep"]) == 2
    assert "sweep: another process is at work there" in capsys.readouterr().err
    assert [path.name for path in Path("sweep").iterdir()] == [".lock"]
    assert main(["-m", "seed=0,1", "trainer.epochs=1", "hydra.sweep.dir=sweep"]) == 0


def test_the_runs_of_a_killed_worker_are_done_again_by_another(capsys):
    script = (
        "import os, sys, threading, time, signal, multiprocessing\n"
        "from ablate.cli.main import main\n"
        "def kill():\n"
        "    while not multiprocessing.active_children(): time.sleep(0.05)\n"
        "    time.sleep(1.5)\n"
        "    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)\n"
        "threading.Thread(target=kill, daemon=True).start()\n"
        "sys.exit(main(['-m', 'seed=range(4)', 'trainer.epochs=400', 'stack.workers=2', 'hydra.sweep.dir=sweep']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    status = {path: json.loads(path.read_text())["status"] for path in Path("sweep").rglob("result.json")}
    assert list(status.values()) == ["finished"] * 4


def test_workers_go_when_their_parent_is_killed():
    command = [sys.executable, "-m", "ablate", "-m", "seed=range(8)", "trainer.epochs=5000", "stack.workers=2"]
    parent = subprocess.Popen([*command, "hydra.sweep.dir=sweep"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    if not children.parent.exists():
        parent.kill()
        pytest.skip("this system does not tell a process's children")
    deadline = time.monotonic() + 60
    while len(found := children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(found) == 2
    time.sleep(1)
    parent.kill()
    parent.wait()

    def alive(pid: str) -> bool:
        stat = Path(f"/proc/{pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"

    while any(map(alive, found)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, found))


def test_a_refused_command_takes_away_its_own_folder_and_no_other(monkeypatch, capsys):
    logging = "hydra.job_logging.handlers.file.class=nope"  # Hydra stumbles over it when the folder is there
    monkeypatch.setattr(Prepare, "_place", classmethod(_while_another_starts), raising=True)
    assert main([logging, "hydra.run.dir=outputs/runs/mine"]) == 2
    assert [str(path) for path in Path().rglob("*")] == ["outputs", "outputs/runs", "outputs/runs/others"]


def _while_another_starts(cls: type[Prepare], folder: str, sweep: bool) -> None:
    cls.folder, cls.made = Path(folder).absolute(), Path("outputs").absolute()
    Path("outputs/runs/others").mkdir(parents=True)


@pytest.mark.filterwarnings("default")
def test_warnings_of_hydras_are_a_line(capsys):
    assert main(["-m", "hydra.mode=RUN", "trainer.epochs=1", "seed=0,1", "model.hidden=[4]"]) == 0
    warned = capsys.readouterr().err
    assert warned.startswith("warning: Running Hydra app with --multirun") and warned.count("\n") == 1
