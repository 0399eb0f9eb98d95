"""`python -m ablate` and the console script: one run, with -m a sweep that ends in its table, or a subcommand."""

from __future__ import annotations

import importlib
import platform
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from ablate.cli.messages import GONE, SUBCOMMANDS, said_of
from ablate.records.names import RESULT
from ablate.utils import collector, interrupts
from ablate.utils.console import FINISHED, REFUSED, Console, complain
from ablate.utils.errors import ConfigError
from ablate.utils.files import is_gone
from ablate.utils.text import line as as_line
from ablate.utils.version import VERSION


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status: 0 all runs finished, 1 some failed, 2 the config is wrong.

    Raises:
        BrokenPipeError: nobody reads any more what it says.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if is_gone():  # libraries that look for it end the process
        complain(f"error: {GONE}")
        return REFUSED
    if arguments[:1] and arguments[0] in SUBCOMMANDS:
        return subcommand(arguments[0], arguments[1:])
    if {"-h", "--help"} & set(arguments):
        return subcommand("help", arguments)
    if "--version" in arguments:
        Console().line_of_text(_version())
        return FINISHED
    with collector.seldom(), warnings.catch_warnings():
        from ablate.cli.perform import perform  # imports what --help and subcommands go without

        interrupts.check()
        warnings.showwarning = _warn
        status, line, command, _ = perform(arguments)
    if line and not any(argument.startswith("query=") for argument in arguments):
        complain(line)  # a shell that asks for completions is left alone
    if not command.sweep or status == REFUSED or command.folder is None:
        return status
    if not any(command.folder.rglob(RESULT)):
        if status == FINISHED:
            complain("error: this sweep has no runs")
        return status or REFUSED
    from ablate.cli.compare import compare  # imports pandas: a run has begun without it

    Console().print()
    return max(status, compare([command.folder], reused=command.reused))


def subcommand(name: str, arguments: Sequence[str]) -> int:
    """Run a subcommand: the module here that has its name, imported when it is asked for."""
    try:
        status: int = importlib.import_module(f"ablate.cli.{name}").main(arguments)
    except OSError as error:
        if error.filename is None:  # a stream's, see `leave`
            raise
        status, said = said_of(error, [name, *arguments])
        complain(said)
    except (ConfigError, RecursionError) as error:
        status, said = said_of(error, [name, *arguments])
        complain(said)
    return status


def with_study(arguments: Sequence[str], name: str) -> list[str]:
    """These arguments and `study=name`, beside the other overrides: Hydra wants them in one place."""
    first = next((i for i, a in enumerate(arguments) if "=" in a and not a.startswith("-")), len(arguments))
    return [*arguments[:first], f"study={name}", *arguments[first:]]


def _version() -> str:
    others = {"PyTorch": "torch", "Hydra": "hydra-core", "TensorBoard": "tensorboard"}
    said = [f"Python {platform.python_version()}", *(f"{name} {version(other)}" for name, other in others.items())]
    return f"ablate {VERSION} ({', '.join(said)})"


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as one line, without the place in the code."""
    complain(f"warning: {as_line(message)}")
