"""The wheel, installed elsewhere: conf/ is inside, and the commands work from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from helpers import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


def test_it_holds_the_package_its_configs_and_the_plugins(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {f"ablate/conf/{path.relative_to(ROOT / 'conf')}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert configs <= names
    assert {"ablate/cli/main.py", "ablate/report/report.html.jinja", "hydra_plugins/ablate/launcher.py"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_it_works_from_any_folder(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import sys, ablate, ablate.config.registration as c\n"
        "assert c.folder().parent.parent.samefile(sys.path[1] if sys.path[0] == '' else sys.path[0]), c.folder()\n"
        "from ablate.cli.main import main\n"
        "sys.exit(main(['-m', 'regularizer=none,l1', 'trainer.epochs=1', 'hydra.sweep.dir=sweep']))"
    )
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (work / "sweep" / "report.html").exists()


def test_options_of_ones_own_need_no_clone(wheel, tmp_path):
    """A regularizer and its study in a folder, a model that is named by _target_ in a package somewhere else."""
    site, work, mine = tmp_path / "site", tmp_path / "work", tmp_path / "work" / "mine"
    zipfile.ZipFile(wheel).extractall(site)
    files = {
        mine / "regularizer/hoyer.yaml": "hoyer: 1.0e-3\n",
        mine / "regularizer/hoyer.py": '"""Hoyer."""\n\n\ndef penalty(weight):\n'
        "    return weight.abs().sum() ** 2 / weight.square().sum()\n",
        mine / "study/hoyer.yaml": "baseline: none\nseeds: 2\nmetric: loss/test\n"
        "arms: {none: regularizer=none, hoyer: regularizer=hoyer}\n",
        mine / "model/wide.yaml": "_target_: nets.wide\nwidth: 20\ndropout: ${regularizer.dropout}\n",
        tmp_path / "elsewhere/nets.py": "from torch import nn\n\n\ndef wide(shape, outputs, width, dropout):\n"
        "    n = shape[0] * shape[1] * shape[2]\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(n, width), nn.Dropout(dropout), nn.Linear(width, outputs))\n",
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(tmp_path / "elsewhere")])}
    short = ["trainer.epochs=2", "logging.tensorboard=false", "stack.workers=2", "stack.size=1"]
    for arguments in (
        ["-m", "study=hoyer"],
        ["-m", "model=wide", "regularizer=hoyer,dropout", "hydra.sweep.dir=sweep"],
    ):
        command = [sys.executable, "-m", "ablate", "--config-dir", "mine", *arguments, *short]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    outside = [sys.executable, "-m", "ablate", "--config-dir", "mine", "-m", "study=hoyer", *short]
    done = subprocess.run(outside, cwd=work, env=os.environ, capture_output=True, text=True, check=False)
    assert "4 runs: 4 reused, 0 to do" in done.stdout, done.stderr  # a clone takes them for the same runs
    results = [json.loads(path.read_text()) for path in work.rglob("result.json")]
    arms = {(result["config"]["model"]["name"], result["arm"]): result["metrics"] for result in results}
    assert set(arms) == {
        ("mlp", "none"), ("mlp", "hoyer=1e-3"), ("nets.wide", "hoyer=1e-3"), ("nets.wide", "dropout=0.2"),
    }  # fmt: skip
    codes = {(result["config"]["model"]["name"], result["arm"]): set(result["origin"]["code"]) for result in results}
    assert {"nets", "ablate.regularizers.hoyer"} <= codes["nets.wide", "hoyer=1e-3"]
    assert "ablate.regularizers.dropout" in codes["nets.wide", "dropout=0.2"]
    assert arms["mlp", "hoyer=1e-3"]["penalty"] > 0 == arms["mlp", "none"]["penalty"]
    assert sorted(
        path.relative_to(mine).as_posix() for path in mine.rglob("*.*") if "__pycache__" not in path.parts
    ) == [path.relative_to(mine).as_posix() for path in sorted(files) if path.is_relative_to(mine)]
