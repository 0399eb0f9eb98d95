"""Workers that are killed, and workers whose parent is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_process_that_may_have_no_children_trains_by_itself():
    Path("script.py").write_text(
        "import ablate, multiprocessing\n"
        "def work():\n"
        "    words = 'study.seeds=1', 'stack.workers=2', 'trainer.epochs=1'\n"
        "    print(len(ablate.study('regularizers', *words, progress=False)))\n"
        "process = multiprocessing.get_context('fork').Process(target=work, daemon=True)\n"
        "process.start()\n"
        "process.join()\n"
    )
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)
    assert done.stdout == "5\n", done.stderr


@pytest.mark.slow
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
