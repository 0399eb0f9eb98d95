"""The commands, as people type them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.cli.main import main
from ablate.config import registration
from ablate.config.schema import strengths
from ablate.utils.version import VERSION
from helpers import MNIST, ROOT, ablate, slow_ones

SCRIPT = Path(sys.executable).with_name("ablate")
EXPERIMENTS = sorted(path.stem for path in (registration.folder() / "experiment").glob("*.yaml"))
REGULARIZERS = ", ".join(sorted(path.stem for path in (registration.folder() / "regularizer").glob("*.yaml")))


pytestmark = pytest.mark.usefixtures("elsewhere")


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


@pytest.mark.parametrize("name", slow_ones(EXPERIMENTS, ["notes_dropout"]))
def test_every_experiment_runs(name, capsys):
    assert main([f"experiment={name}", "trainer.epochs=2", "hydra.run.dir=run"]) == 0
    assert "finished" in capsys.readouterr().out


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_presets_take_another_optimizer(optimizer):
    assert main(["experiment=notes_dropout", f"optimizer={optimizer}", "trainer.epochs=1", "model.hidden=[8]"]) == 0


@pytest.mark.slow
def test_the_sweep_script_takes_overrides():
    done = ablate("seed=0", "trainer.epochs=2", "hydra.sweep.dir=sweep", script=ROOT / "scripts" / "sweep.py")
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


def test_much_dropout_is_warned_of_and_trained(capsys):
    assert main(["model.dropout=0.5", "trainer.epochs=1"]) == 0
    assert "warning: model.dropout=0.5 is above 0.3" in capsys.readouterr().err


def test_help_lists_groups_and_keys_without_torch():
    code = (
        "import sys; from ablate.cli.main import main\n"
        "try: main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    )
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
        (["--version"], f"ablate {VERSION} (Python 3"),
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
        " ".join(f"regularizer.{key}=" for key in sorted(strengths().model_fields) if key.startswith("l")),
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


@pytest.mark.filterwarnings("default")
def test_warnings_of_hydras_are_a_line(capsys):
    assert main(["-m", "hydra.mode=RUN", "trainer.epochs=1", "seed=0,1", "model.hidden=[4]"]) == 0
    warned = capsys.readouterr().err
    assert warned.startswith("warning: Running Hydra app with --multirun") and warned.count("\n") == 1
