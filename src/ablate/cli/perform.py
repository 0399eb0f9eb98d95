"""Having Hydra carry out a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from typing import Any, NamedTuple, TextIO, cast

import hydra

from ablate.cli import flags
from ablate.cli.callbacks import CARRIED_OUT, Refused
from ablate.cli.command import Command
from ablate.cli.messages import said_of
from ablate.cli.task import Task
from ablate.config import registration
from ablate.options import discovery
from ablate.utils.console import FINISHED, REFUSED


class Ended(NamedTuple):
    """How a command ended: its exit status, a line for whatever went wrong, and what it did."""

    status: int
    line: str | None
    command: Command


def perform(arguments: Sequence[str]) -> Ended:
    """Have Hydra carry out a command; whatever it raises is in the answer, but for a BrokenPipeError."""
    command = Command(list(arguments))
    status, line = FINISHED, None
    with ExitStack() as stack:
        wants_traceback = stack.enter_context(_as_hydra_expects(arguments))
        stack.callback(command.release)
        stack.callback(CARRIED_OUT.reset, CARRIED_OUT.set(command))
        try:
            stack.enter_context(discovery.using(flags.own_folders(arguments)))
            registration.register()
            conf = str(registration.folder().resolve())
            hydra.main(version_base="1.3", config_path=conf, config_name="config")(Task(command))()
        except SystemExit as raised:  # argparse, which has said what is wrong
            return Ended(REFUSED if raised.code else FINISHED, None, command)
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt, Refused) as raised:
            error = raised.error if isinstance(raised, Refused) else raised
            if wants_traceback and not isinstance(raised, KeyboardInterrupt):
                raise error from None
            status, line = said_of(error, arguments, command.training)
            if status == REFUSED and not command.training:
                command.leave_nothing()
    return Ended(status, line, command)


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
