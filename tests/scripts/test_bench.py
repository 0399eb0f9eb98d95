"""The measuring script, on a job that is small enough for a test. No time is judged."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from helpers import ROOT


@pytest.mark.slow
def test_the_bench_measures_and_writes_what_it_prints(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "bench.py"), "--quick", "--only", "digits,overhead"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "engine alone" in done.stdout
    found = json.loads((tmp_path / "outputs" / "bench" / "bench.json").read_text())
    assert "digits" in json.dumps(found) and "torch" in json.dumps(found)
