"""How a process ends that a command has for itself: with an exit status, and a line where something ended it. Light."""

from __future__ import annotations

import atexit
import errno
import io
import logging
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TextIO

from ablate.utils import interrupts


def leave(command: Callable[[], int]) -> NoReturn:
    """Carry out a command and end this process with its exit status.

    Where it is interrupted, or nobody reads any more what it says (`| head`), it ends as programs do then.
    """
    _open_closed_streams()
    interrupts.heed()
    ended: list[int] = []
    atexit.register(_end, ended)  # before all others, so that it is called after them
    logging.raiseExceptions = False  # a log that can't be written on is no reason for a traceback
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what others print may have letters that the encoding doesn't
    try:
        status = command()
        print(end="", flush=True)
        interrupts.check()
        interrupts.end()
    except (Exception, KeyboardInterrupt) as error:
        status = _said(error)
    ended.append(status)
    sys.exit(status)


def _open_closed_streams() -> None:
    """Where a stream was closed (`>&-`), put one that leads nowhere: else the next file that is opened would be it."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - it stays open


def _said(error: BaseException) -> int:
    """The exit status for what ended a command, after a line for it; what has none is raised."""
    # Imported by who needs it: a command has begun, and heeds signals, before this is.
    from ablate.utils.console import FAILED, INTERRUPTED, UNREAD, complain
    from ablate.utils.errors import one_line

    if interrupts.taken() or isinstance(error, KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in (errno.EPIPE, errno.ENOSPC):
        raise error
    if error.errno == errno.EPIPE and not any(map(_unread, (sys.stdout, sys.stderr))):  # of a pipe that is another's
        complain(f"error: {one_line(error)}")
        return FAILED
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left in its buffer
    if error.errno == errno.EPIPE:
        return UNREAD
    complain(f"error: standard output can't be written: {error.strerror}")
    return FAILED


def _unread(stream: TextIO) -> bool:
    """Whether nobody reads any more what is written there; taken for granted where the system can't tell."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _end(ended: list[int]) -> None:
    """End here, if a command has: what is left needs no taking apart, which takes long.

    Half taken apart, with its garbage uncollected, is no way out: libraries that count their objects then complain.
    """
    if ended:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(ended[0])
