"""What the attacks of torture.py share: a case, commands in processes of their own, and how one is judged.

An attack is a function of a source of chance and of an empty folder, which it works in; it returns what it `Tried`.
A family of attacks is a module `torture_<family>.py` beside this one with a function `attack`.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LIMIT = 30.0  # seconds after which a command hangs, beyond those that its training takes


@dataclass
class Tried:
    """A case: what was given, how it ended (an exit status, or for a damaged file what became of it), what was lost."""

    given: list[str]
    ended: str
    said: str
    lost: str | None


def stream(errors: str) -> io.TextIOWrapper:
    """What takes the place of standard output or error."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors)


def said(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@dataclass
class Done:
    """How a command ended. status: None where it hung, and was killed with all that it had started."""

    status: int | None
    out: str
    err: str

    @property
    def wrong(self) -> str | None:
        """What no command may do, whatever is done to it."""
        if self.status is None:
            return "it hung"
        for mark in ("Traceback", "Exception ignored"):
            if mark in self.out + self.err:
                return f"{mark}: {(self.out + self.err)[-800:]}"
        return None


def start(*arguments: str, at: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """`python -m ablate ARGUMENTS` in a folder, as the first of a session of its own."""
    command = [sys.executable, "-m", "ablate", *arguments]
    environment = os.environ | (environment or {})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=at, env=environment, start_new_session=True, text=True, **pipes)  # type: ignore[call-overload]


def finish(process: subprocess.Popen[str], limit: float = LIMIT) -> Done:
    """Wait for a command; where it takes longer than it may, its whole session is killed."""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Done(None, out, err)
    return Done(process.returncode, out, err)


def workers(process: subprocess.Popen[str]) -> list[int]:
    """The process ids of a command's workers; none where the system doesn't tell."""
    try:
        return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def ablate(*arguments: str, at: Path, limit: float = LIMIT, environment: dict[str, str] | None = None) -> Done:
    return finish(start(*arguments, at=at, environment=environment), limit)
