"""The wheel, installed elsewhere: conf/ is inside, and the commands work from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from helpers import ROOT


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
