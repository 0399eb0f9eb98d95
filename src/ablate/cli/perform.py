"""Having Hydra carry out a command: a command line as `hydra.main` does, or a call from Python, in its process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

import hydra
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.utils import run_job
from hydra.types import HydraContext, RunMode

from ablate.cli import flags
from ablate.cli.callbacks import CARRIED_OUT, Refused
from ablate.cli.command import Command
from ablate.cli.composing import returned
from ablate.cli.messages import said_of
from ablate.cli.task import Task
from ablate.config import registration
from ablate.options import discovery
from ablate.utils import collector, interrupts
from ablate.utils.console import FINISHED, INTERRUPTED, REFUSED, Console
from ablate.utils.errors import RunFailed

MAIN = "config"  # conf/config.yaml


class Ended(NamedTuple):
    """How a command ended: its exit status, a line for whatever went wrong, what it did, and what was raised."""

    status: int
    line: str | None
    command: Command
    error: BaseException | None = None


def perform(arguments: Sequence[str]) -> Ended:
    """Carry out a command line; whatever it raises is in the answer, but for a BrokenPipeError."""

    def from_command_line(task: Task) -> None:
        conf = str(registration.folder().resolve())
        hydra.main(version_base=registration.HYDRA, config_path=conf, config_name=MAIN)(task)()

    with _as_hydra_expects(arguments) as wants_traceback:
        ended = _ended(Command(list(arguments)), from_command_line)
    if wants_traceback and ended.error is not None and not isinstance(ended.error, KeyboardInterrupt):
        raise ended.error from None
    return ended


def call(overrides: Sequence[str], sweep: bool, config_dir: Path | None, console: Console) -> Ended:
    """Carry out a run, or a sweep, that Python code asks for, without a command line, its signals and its logging."""
    flag = [] if config_dir is None else [f"--config-dir={config_dir}"]
    command = Command([*flag, *["-m"] * sweep, *overrides], console=console, at_home=False)

    def from_python(task: Task) -> None:
        path = create_config_search_path(str(registration.folder().resolve()))
        if config_dir is not None:
            path.prepend("command-line", f"file://{config_dir.absolute()}", SearchPathQuery(provider="schema"))
        ours = Hydra.create_main_hydra2(task_name=MAIN, config_search_path=path)
        try:
            mode = RunMode.MULTIRUN if sweep else RunMode.RUN
            words = [*overrides, f"hydra.mode={mode.name}"]  # as `hydra.main` has it
            if sweep:
                ours.multirun(MAIN, task, words, with_log_configuration=False)
            else:
                _run(ours, task, words)
        except SystemExit as error:
            raise RunFailed(f"something called sys.exit({error.code})") from error

    return _ended(command, from_python)


def _run(ours: Hydra, task: Task, overrides: list[str]) -> None:
    """One job, as Hydra has it in `Hydra.run`."""
    config = ours.compose_config(MAIN, overrides, run_mode=RunMode.RUN)
    callbacks = Callbacks(config)
    callbacks.on_run_start(config=config, config_name=MAIN)
    context = HydraContext(config_loader=ours.config_loader, callbacks=callbacks)
    job = run_job(task, config, "hydra.run.dir", None, context, configure_logging=False)
    callbacks.on_run_end(config=config, config_name=MAIN, job_return=job)
    returned(job)


def _ended(command: Command, work: Callable[[Task], None]) -> Ended:
    status, line, error = FINISHED, None, None
    with ExitStack() as stack:
        stack.enter_context(collector.seldom())
        stack.callback(command.release)
        stack.callback(CARRIED_OUT.reset, CARRIED_OUT.set(command))
        try:
            stack.enter_context(discovery.using(flags.own_folders(command.arguments)))
            registration.register()
            work(Task(command))
        except SystemExit as raised:  # argparse, which has said what is wrong
            return Ended(REFUSED if raised.code else FINISHED, None, command)
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt, Refused) as raised:
            error = raised.error if isinstance(raised, Refused) else raised
            if interrupts.taken():  # whatever became of the interruption on its way
                error = KeyboardInterrupt()
            status, line = said_of(error, command.arguments, command.training)
            if status in (REFUSED, INTERRUPTED) and not command.training:
                command.leave_nothing()
    return Ended(status, line, command, error)


@contextmanager
def _as_hydra_expects(arguments: Sequence[str]) -> Iterator[bool]:
    """Hydra reads sys.argv, and raises instead of printing, so that we say it in one line; is a traceback wanted?"""
    given, sys.argv = sys.argv, ["ablate", *arguments]
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        with redirect_stderr(cast(TextIO, _Errors(sys.stderr))):
            yield wanted == "1"
    finally:
        os.environ.pop("HYDRA_FULL_ERROR")
        if wanted is not None:
            os.environ["HYDRA_FULL_ERROR"] = wanted
        sys.argv = given


class _Errors:
    """Standard error without what Hydra says of a failed job, before we say it in one line."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return len(text) if text.startswith("Error executing job") else self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
