"""The command that opens TensorBoard, as one types it."""

from __future__ import annotations

import sys
from pathlib import Path

from ablate.tensorboard.command import how_to_watch


def test_the_command_for_the_curves_can_be_typed_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert how_to_watch(Path("a b")) == "python -m ablate tensorboard 'a b'"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ablate").touch(mode=0o755)
    assert how_to_watch(tmp_path / "run") == "bin/ablate tensorboard run"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert how_to_watch(tmp_path / "run") == "ablate tensorboard run"
