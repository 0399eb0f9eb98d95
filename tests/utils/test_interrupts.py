"""Signals: raised once, noted always, and nothing disturbs what ends because of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.utils import interrupts

HEEDED = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(autouse=True)
def heeded(monkeypatch):
    """As in a process that is a command's own."""
    before = [signal.getsignal(number) for number in HEEDED]
    monkeypatch.setattr(interrupts, "_signals", interrupts._Signals())
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    for number in HEEDED:
        signal.signal(number, signal.default_int_handler)
    interrupts.heed()
    yield
    for number, handler in zip(HEEDED, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", HEEDED)
def test_the_first_signal_raises_and_the_second_does_not(number):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    signal.raise_signal(number)
    assert interrupts.taken()
    interrupts.check()


def test_one_that_is_lost_in_a_finalizer_is_raised_where_it_is_looked_for(capsys):
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    Finalized()
    assert capsys.readouterr().err == ""
    for _ in range(2):  # nobody has taken it
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_other_errors_that_are_lost_are_printed_as_ever(monkeypatch):
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    interrupts.heed()

    class Finalized:
        def __del__(self) -> None:
            raise ValueError

    Finalized()
    assert [lost.exc_type for lost in said] == [ValueError]


def test_one_that_comes_where_nothing_may_be_left_half_done_is_raised_later():
    with interrupts.held(), interrupts.held():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()


def test_an_import_is_not_broken_off(tmp_path, monkeypatch):
    (tmp_path / "interrupted_in_it.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGINT)\nwhole = True\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import interrupted_in_it

    assert interrupted_in_it.whole
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()


def test_once_it_is_taken_nothing_disturbs_the_end():
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert interrupts.taken()
    signal.raise_signal(signal.SIGINT)
    interrupts.check()
    assert not interrupts.taken()


def test_a_command_that_has_ended_is_not_disturbed():
    interrupts.end()
    signal.raise_signal(signal.SIGINT)
    interrupts.check()
    assert not interrupts.taken()


def test_whoever_asks_before_a_signal_has_come_keeps_none_from_being_heeded():
    """As a command does that goes on after one of its runs has failed."""
    assert not interrupts.taken()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="only there one can tell of others' children")
def test_the_third_ends_the_process_and_its_workers_at_once():
    code = (
        "import multiprocessing, os, signal, time\n"
        "from ablate.utils.leaving import leave\n"
        "def command():\n"
        "    worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "    worker.start()\n"
        "    print(worker.pid, flush=True)\n"
        "    os.kill(worker.pid, signal.SIGSTOP)\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    finally:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "leave(command)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted, and ended at once\n")
    deadline = time.monotonic() + 20
    while _alive(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(int(done.stdout))


def _alive(process: int) -> bool:
    """Those that nobody has waited for yet aren't."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_was_started_to_ignore_signals_ignores_them():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.heed()
    signal.raise_signal(signal.SIGINT)
    interrupts.check()
    assert not interrupts.taken()
