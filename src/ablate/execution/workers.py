"""Processes that train stacks, one thread each: small products gain more from that than from threads."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ablate.execution.silence import Silence
from ablate.execution.stack_run import BeginsAnew, StackFailed, train_stack
from ablate.options import discovery
from ablate.records.job import Job
from ablate.training.engine import Row
from ablate.utils import interrupts

# Forked workers share the parent's modules and data, and start in milliseconds. Elsewhere forking is unsafe.
METHOD = "fork" if sys.platform == "linux" else "spawn"

GRACE = 2.0  # seconds in which a worker that is to go does so by itself
TICK = 1.0  # seconds of silence between two looks at what may be amiss
KILLED = (-signal.SIGKILL, -signal.SIGTERM) if sys.platform != "win32" else ()  # as the system does for want of memory
FIRST = 500  # of 1,000: how much rather than others a worker is killed for want of memory

Message = tuple[str, Any]


def train_stacks(
    jobs: Sequence[Job], stacks: Sequence[list[int]], workers: int, here: bool = False
) -> Iterator[Message]:
    """Train stacks of jobs; yield ("rows", [(place, Row), …]) and ("result", (place, result)) as they come.

    ("died", (stack, reason)) says that a stack died before all of its jobs had a result, "killed" that its worker was
    killed, as the system does where memory runs out; ("anew", (stack, place, why)) that one of its jobs can't go on
    from its checkpoint.

    workers: processes to start; here: one is enough, and may be this one. It does the work where it may have no
    children, and where one takes seconds to start.
    """
    if multiprocessing.current_process().daemon or (workers == 1 and (here or METHOD != "fork")):
        for stack in stacks:
            yield from _train(jobs, stack)
    else:
        yield from _share_out(jobs, stacks, workers)


def _train(jobs: Sequence[Job], stack: list[int]) -> Iterator[Message]:
    for event in train_stack([jobs[i] for i in stack]):
        if isinstance(event, list):
            yield "rows", [(stack[row.run], row) for row in event]
        elif isinstance(event, StackFailed):
            yield "died", (stack, event.reason)
        elif isinstance(event, BeginsAnew):
            yield "anew", (stack, stack[event.run], event.why)
        else:
            yield "result", (stack[event[0]], event[1])


@dataclass
class _Worker:
    """A worker that has a stack. left: those of its jobs that have no result yet."""

    process: Any
    stack: list[int]
    left: set[int]


def _share_out(jobs: Sequence[Job], stacks: Sequence[list[int]], workers: int) -> Iterator[Message]:
    context: Any = multiprocessing.get_context(METHOD)
    waiting = list(reversed(stacks))
    busy: dict[Connection, _Worker] = {}
    processes: list[Any] = []
    silence = Silence()

    def start() -> None:
        ours, theirs = context.Pipe()
        # A forked worker inherits our ends of all pipes; while it holds one, it can't notice that we are gone.
        task = theirs, jobs, [ours, *busy], discovery.own_folders()
        process = context.Process(target=_work, args=task, daemon=True)
        with _without_main(), interrupts.held():
            process.start()
        theirs.close()
        processes.append(process)
        stack = waiting.pop()
        busy[ours] = _Worker(process, stack, set(stack))
        with suppress(OSError):  # it is dead already, and there is nothing to come but the end of its pipe
            ours.send(stack)

    def go_on(connection: Connection) -> None:
        """Have a worker that is done with a stack take the next, another one where it is dead, or go."""
        process = busy.pop(connection).process
        try:
            connection.send(waiting[-1] if waiting else None)
        except OSError:
            if waiting:
                start()
        else:
            if waiting:
                stack = waiting.pop()
                busy[connection] = _Worker(process, stack, set(stack))

    try:
        for _ in range(min(workers, len(stacks))):
            start()
        while busy:
            interrupts.check()
            heard = wait(list(busy), TICK)
            silence.note(0 if heard else TICK, [worker.process.pid for worker in busy.values()])
            for ready in heard:
                connection: Connection = ready  # type: ignore[assignment]
                worker = busy[connection]
                try:
                    kind, content = connection.recv()
                except (EOFError, OSError):
                    del busy[connection]
                    _see_off([worker.process])
                    status = worker.process.exitcode
                    yield "killed" if status in KILLED else "died", (worker.stack, _how(status))
                    if waiting and not (status in KILLED and busy):  # the others have more memory then
                        start()
                    continue
                yield kind, content
                if kind == "result":
                    worker.left.discard(content[0])
                if kind in ("died", "anew") or not worker.left:
                    go_on(connection)
    finally:
        with interrupts.held():
            for worker in busy.values():
                worker.process.terminate()
            _see_off(processes)


def _see_off(processes: Sequence[Any]) -> None:
    """Wait for workers that go, and kill those that don't: one that is stopped can't."""
    deadline = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    for process in processes:
        if process.is_alive():
            process.kill()
            process.join(GRACE)


def _how(status: int | None) -> str:
    if status is not None and status in KILLED:
        return f"its worker was killed (signal {-status}), as the system does where memory runs out"
    return f"its worker died (exit status {status})"


@contextmanager
def _without_main() -> Iterator[None]:
    """A worker that is spawned would import the caller's script, and carry it out where it has no main guard."""
    main = sys.modules["__main__"]
    if METHOD == "spawn":
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(
    connection: Connection, jobs: Sequence[Job], inherited: Sequence[Connection], own_folders: Sequence[Path]
) -> None:
    """A worker: trains the stacks that it is sent until it is sent None, or nobody listens any more."""
    for other in inherited:
        other.close()
    gc.freeze()  # what is inherited stays, and isn't touched
    discovery.use(own_folders)
    signal.set_wakeup_fd(-1)  # the parent's event loop is the parent's
    interrupts.ignore()  # and so are its handlers
    _offer_itself()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger().handlers.clear()  # the parent's files
    torch.set_num_threads(1)
    try:
        while (stack := connection.recv()) is not None:
            for kind, content in _train(jobs, stack):
                if kind == "rows":
                    content = [(place, _light(row)) for place, row in content]
                connection.send((kind, content))
    except (ConnectionError, EOFError):
        pass  # the parent is gone


def _offer_itself() -> None:
    """Where memory runs out, the system is to kill a worker, whose stack is cut, and not the parent."""
    with suppress(OSError, ValueError):
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(max(FIRST, int(score.read_text()))))


def _end_with_parent() -> None:
    """Stop at once, and not only at the next message, when the parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _light(row: Row) -> Row:
    """Without what is recorded here: the parent only shows figures."""
    ending = row.ending and replace(row.ending, state={}, logits=None, split=None)
    return replace(row, tensors={}, checkpoint=None, ending=ending)
