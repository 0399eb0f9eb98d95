"""When nothing comes from workers for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from ablate.execution.silence import LONG, TIMES, Silence


@pytest.fixture
def quiet(capsys) -> Callable[[Silence, int, list[int]], list[str]]:
    """What is said in so many seconds in which nothing comes."""

    def said(silence: Silence, seconds: int, workers: list[int]) -> list[str]:
        for _ in range(seconds):
            silence.note(1.0, workers)
        return capsys.readouterr().err.splitlines()

    return said


def test_it_is_said_once_after_a_minute(quiet):
    silence = Silence()
    assert quiet(silence, int(LONG) - 1, [1]) == []
    assert len(quiet(silence, 10_000, [1])) == 1


def test_longer_ones_are_waited_for_where_there_were_long_ones(quiet):
    silence = Silence()
    quiet(silence, 20, [1])
    silence.note(0, [1])
    assert quiet(silence, 20 * TIMES - 1, [1]) == []
    assert len(quiet(silence, 1, [1])) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only there one can tell")
def test_a_worker_that_is_stopped_is_named(quiet):
    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    os.kill(worker.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
    (said,) = quiet(Silence(), int(LONG), [os.getpid(), worker.pid])
    worker.kill()
    worker.communicate()
    assert f"process {worker.pid} is stopped" in said and f"process {os.getpid()} isn't known to be" in said
