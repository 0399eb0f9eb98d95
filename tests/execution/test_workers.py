"""Workers that are killed, and workers whose parent is."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.execution import workers
from ablate.execution.runs import run_all
from ablate.execution.workers import train_stacks
from ablate.records.job import Job
from helpers import trained

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


def jobs(configured, n: int, *overrides: str) -> list[Job]:
    small = ["trainer.epochs=2", "model.hidden=[8]", "logging.tensorboard=false", *overrides]
    return [Job(configured(*small, f"seed={i}"), Path(f"{i}").absolute()) for i in range(n)]


def dies(monkeypatch, when, signum=signal.SIGKILL) -> None:
    """Have the worker that trains these stacks, each its jobs, end by a signal."""
    train_stack, parent = workers.train_stack, os.getpid()

    def dying(own):
        assert os.getpid() != parent
        if when(own):
            os.kill(os.getpid(), signum)
        yield from train_stack(own)

    monkeypatch.setattr(workers, "train_stack", dying)


@pytest.mark.parametrize("n", [1, 2])
def test_a_stack_that_its_worker_is_killed_for_is_cut_until_it_fits(configured, monkeypatch, n):
    dies(monkeypatch, lambda own: len(own) > 2)
    results = dict(run_all(jobs(configured, 7, f"stack.workers={n}", "stack.size=7")))
    assert [results[i]["status"] for i in range(7)] == ["finished"] * 7


def test_a_run_fails_whose_worker_is_killed_again_and_again(configured, monkeypatch):
    dies(monkeypatch, lambda own: any(job.config.seed == 1 for job in own))
    results = dict(run_all(jobs(configured, 4, "stack.workers=2")))
    assert [results[i]["status"] for i in range(4)] == ["finished", "failed", "finished", "finished"]
    assert results[1]["error"] == "its worker was killed (signal 9), as the system does where memory runs out"


def test_a_run_whose_worker_somebody_kills_is_trained_by_another(configured, monkeypatch, tmp_path):
    mark = tmp_path / "killed"
    dies(monkeypatch, lambda own: not mark.exists() and mark.touch() is None)
    results = dict(run_all(jobs(configured, 3, "stack.workers=1", "stack.size=1")))
    assert [results[i]["status"] for i in range(3)] == ["finished"] * 3


def test_no_more_than_fit_are_tried_at_the_same_time(configured, monkeypatch, tmp_path):
    at_work = tmp_path / "at_work"
    at_work.mkdir()
    train_stack = workers.train_stack

    def counted(own):  # a machine that has memory for one run
        mine = at_work / str(os.getpid())
        mine.touch()
        alive = [path for path in at_work.iterdir() if Path("/proc", path.name).exists()]
        if len(own) > 1 or len(alive) > 1:
            mine.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        yield from train_stack(own)
        mine.unlink()

    monkeypatch.setattr(workers, "train_stack", counted)
    results = dict(run_all(jobs(configured, 5, "stack.workers=2")))
    assert [results[i]["status"] for i in range(5)] == ["finished"] * 5


@pytest.mark.parametrize("n", [1, 2])
def test_the_stack_of_a_worker_that_is_killed_between_two_goes_to_another(configured, n):
    own = jobs(configured, 5)
    messages = train_stacks(own, [[i] for i in range(5)], n)
    ended = []
    for kind, content in messages:
        assert kind in ("rows", "result")
        if kind == "result":
            ended.append(content[0])
            if len(ended) == 1:
                time.sleep(1)  # they have nothing to do, or nothing to say
                for worker in multiprocessing.active_children():
                    worker.kill()
                    worker.join()
    assert sorted(ended) == list(range(5))


def test_workers_that_are_stopped_end_with_the_sweep(configured):
    messages = train_stacks(jobs(configured, 2, "trainer.epochs=100000"), [[0], [1]], 2)
    next(messages)
    found = multiprocessing.active_children()
    os.kill(found[0].pid, signal.SIGSTOP)
    began = time.monotonic()
    messages.close()
    assert len(found) == 2 and not any(worker.is_alive() for worker in found)
    assert time.monotonic() - began < 20


def test_workers_that_are_stopped_when_all_is_done_do_not_keep_the_sweep(configured):
    left = 2
    for kind, _ in train_stacks(jobs(configured, 2), [[0], [1]], 2):
        left -= kind == "result"
        if left == 0:
            for worker in multiprocessing.active_children():
                os.kill(worker.pid, signal.SIGSTOP)
    assert not multiprocessing.active_children()


def test_a_single_run_and_what_needs_threads_stay_in_the_process(configured, monkeypatch):
    here = os.getpid()
    seen = []
    monkeypatch.setattr(workers, "train_stack", lambda own: seen.append(os.getpid()) or iter(()))
    list(train_stacks(jobs(configured, 2), [[0], [1]], 1, here=True))
    assert seen == [here, here]


def test_what_is_recorded_by_a_worker_does_not_go_through_its_pipe(configured):
    """Nor the samples that the run was trained on: a pipe would carry them once a run."""
    ((*_, last),) = trained([configured("trainer.epochs=1", "model.hidden=[4]")])
    assert last.ending.state and last.ending.split is not None
    light = workers._light(last).ending
    assert not light.state and light.split is None and light.metrics == last.ending.metrics
