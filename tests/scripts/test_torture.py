"""scripts/torture.py in short: odd command lines, damaged results, an attack of every family; always the same ones."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest

from helpers import ROOT

SCRIPT = ROOT / "scripts" / "torture.py"
TORTURE = runpy.run_path(str(SCRIPT))


@pytest.mark.slow
@pytest.mark.parametrize("torture", [("configs", 150), ("files", 30)], ids=lambda torture: torture[0])
def test_whatever_is_given_is_done_or_refused_in_one_line_and_never_taken_as_good(torture, monkeypatch, capsys):
    command, n = torture
    monkeypatch.setattr(sys, "argv", ["torture.py", command, str(n)])
    assert TORTURE["main"]() == 0, capsys.readouterr().out
    assert f"{n} tried: " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("family", TORTURE["FAMILIES"])
def test_an_attack_loses_nothing(family, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["torture.py", family, "1"])
    assert TORTURE["main"]() == 0, capsys.readouterr().out
    assert "1 tried: " in capsys.readouterr().out


@pytest.mark.slow
def test_a_sweep_that_is_killed_and_repeated_loses_nothing():
    command = [sys.executable, str(SCRIPT), "kills", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "kills=2" in done.stdout, done.stdout + done.stderr
