"""Processes that train stacks, one thread each: small products gain more from that than from threads."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ablate.execution.stack_run import BeginsAnew, StackFailed, train_stack
from ablate.options import discovery
from ablate.records.job import Job
from ablate.training.engine import Row

# Forked workers share the parent's modules and data, and start in milliseconds. Elsewhere forking is unsafe.
METHOD = "fork" if sys.platform == "linux" else "spawn"

Message = tuple[str, Any]


def train_stacks(jobs: Sequence[Job], stacks: Sequence[list[int]], workers: int) -> Iterator[Message]:
    """Train stacks of jobs; yield ("rows", [(place, Row), …]) and ("result", (place, result)) as they come.

    ("died", (stack, reason)) says that a stack died before all of its jobs had a result, ("anew", stack) that one of
    them can't go on from its checkpoint.

    workers: processes to start; with 1, and where this process may have no children, it does the work itself.
    """
    if workers == 1 or multiprocessing.current_process().daemon:
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
            yield "anew", stack
        else:
            yield "result", (stack[event[0]], event[1])


def _share_out(jobs: Sequence[Job], stacks: Sequence[list[int]], workers: int) -> Iterator[Message]:
    context: Any = multiprocessing.get_context(METHOD)
    waiting = list(reversed(stacks))
    busy: dict[Connection, tuple[Any, list[int]]] = {}
    processes = []

    def start() -> None:
        ours, theirs = context.Pipe()
        # A forked worker inherits our ends of all pipes; while it holds one, it can't notice that we are gone.
        task = theirs, jobs, [ours, *busy], discovery.own_folders()
        process = context.Process(target=_work, args=task, daemon=True)
        with _without_main():
            process.start()
        theirs.close()
        processes.append(process)
        busy[ours] = process, _hand_out(ours, waiting)

    try:
        for _ in range(min(workers, len(stacks))):
            start()
        while busy:
            for ready in wait(list(busy)):
                connection: Connection = ready  # type: ignore[assignment]
                process, stack = busy[connection]
                try:
                    kind, content = connection.recv()
                except (EOFError, ConnectionError):
                    process.join()
                    del busy[connection]
                    yield "died", (stack, f"its worker died (exit status {process.exitcode})")
                    if waiting:
                        start()
                    continue
                if kind != "idle":
                    yield kind, content
                elif waiting:
                    busy[connection] = process, _hand_out(connection, waiting)
                else:
                    connection.send(None)
                    del busy[connection]
    finally:
        for process in processes:
            process.join(0.1 if sys.exc_info()[0] else None)
            if process.is_alive():
                process.terminate()


def _hand_out(connection: Connection, waiting: list[list[int]]) -> list[int]:
    stack = waiting.pop()
    connection.send(stack)
    return stack


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
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # and so are its handlers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger().handlers.clear()  # the parent's files
    torch.set_num_threads(1)
    try:
        while (stack := connection.recv()) is not None:
            for kind, content in _train(jobs, stack):
                if kind == "rows":
                    content = [(place, _light(row)) for place, row in content]
                connection.send((kind, content))
            connection.send(("idle", None))
    except (ConnectionError, EOFError, KeyboardInterrupt):
        pass  # the parent is gone, or stops us


def _end_with_parent() -> None:
    """Stop at once, and not only at the next message, when the parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _light(row: Row) -> Row:
    """Without what is recorded here: the parent only shows figures."""
    ending = row.ending and replace(row.ending, state={}, logits=None)
    return replace(row, tensors={}, checkpoint=None, ending=ending)
