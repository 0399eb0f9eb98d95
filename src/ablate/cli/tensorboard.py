"""TensorBoard on a study, with a colour for every arm.

python -m ablate tensorboard [DIR] [--no-browser] [TensorBoard's own flags]

DIR           a folder of runs; by default the last study, sweep or run below outputs/
--no-browser  open no browser, only say where it is
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ablate.records.names import COMPARISON, EVENTS, MULTIRUN
from ablate.utils import interrupts
from ablate.utils.console import FINISHED, REFUSED, Console, complain
from ablate.utils.errors import ConfigError
from ablate.utils.files import is_folder, short
from ablate.utils.text import count

OUTPUTS = Path("outputs")
NO_BROWSER = "--no-browser"
# Runs are named <arm>/seed=<n>, and their means comparison/<arm>; those of one arm share a colour.
ARM = f"(?:{COMPARISON}/)?(.*?)(?:/seed=|$)"
COLOURS = 7  # that TensorBoard has
PINNED = ("accuracy/val", "loss/val")


def main(arguments: Sequence[str]) -> int:
    """Show what there is until Ctrl-C; the exit status: 0, or 2 where there is nothing or it can't be shown."""
    if {"-h", "--help", "--helpfull"} & set(arguments):
        Console().line_of_text(f"{__doc__}\nTensorBoard's own flags: tensorboard --help")
        return FINISHED
    try:
        typed = arguments[:1] if arguments and not arguments[0].startswith("-") else []
        folder = Path(typed[0]) if typed else last(OUTPUTS)
        names = runs(folder)
        flags = [flag for flag in arguments[len(typed) :] if flag != NO_BROWSER]
        if flags and not flags[0].startswith("-"):
            raise ConfigError(f"{flags[0]}: one folder, then flags: python -m ablate tensorboard DIR --port=6007")
        if any(flag.startswith("--logdir") for flag in flags):
            raise ConfigError("--logdir: the folder comes first, without a flag: python -m ablate tensorboard DIR")
        return serve(folder, names, flags, browser=NO_BROWSER not in arguments and _is_there_a_browser())
    except ConfigError as error:
        complain(f"error: {error}")
        return REFUSED
    except KeyboardInterrupt:
        return FINISHED
    finally:
        interrupts.taken()  # by TensorBoard, or here: that is how one ends it


def last(outputs: Path) -> Path:
    """The study, sweep or run below `outputs` at which was worked last.

    Raises:
        ConfigError: there is none.
    """
    touched: dict[Path, float] = {}
    for path in outputs.rglob(EVENTS):
        if not _is_of_a_run(path):
            continue
        home = next((folder for folder in path.parents if (folder / MULTIRUN).is_file()), path.parent)
        times = [file.stat().st_mtime for file in (path, home / MULTIRUN) if file.is_file()]
        touched[home] = max(times, default=0.0) if home not in touched else max(touched[home], *times)
    if not touched:
        raise ConfigError(f"{outputs}: no runs there yet; python -m ablate -m study=regularizers trains some")
    return max(touched, key=touched.__getitem__)


def runs(folder: Path) -> list[str]:
    """The names of the runs below a folder, as TensorBoard has them.

    Raises:
        ConfigError: there are none.
    """
    if not is_folder(folder):
        raise ConfigError(f"{folder}: no such folder")
    names = {path.parent.relative_to(folder).as_posix() for path in folder.rglob(EVENTS) if _is_of_a_run(path)}
    if not names:
        raise ConfigError(f"{folder}: no TensorBoard events below it")
    return sorted(names)


def _is_of_a_run(path: Path) -> bool:
    """And not of a comparison, which is beside its table."""
    return not any(at.name == COMPARISON and at.with_suffix(".csv").is_file() for at in path.parents)


def arms(names: Sequence[str]) -> set[str]:
    return {found[1] for name in names if (found := re.match(ARM, name))}


def view() -> str:
    """The query of a URL that asks for arms in colours, curves as they are, and the validation figures on top."""
    pinned = json.dumps([{"plugin": "scalars", "tag": tag} for tag in PINNED])
    return urlencode({"runColorGroup": f"regex:{ARM}", "smoothing": "0", "pinnedCards": pinned})


def few(names: Sequence[str]) -> str:
    """The end of a URL, after a tab's name, that has the older tabs show the comparison and one run of every arm.

    Of more than 40 runs they would show none.
    """
    seeds = [int(found[1]) for name in names if (found := re.search(r"/seed=(\d+)$", name))]
    chosen = {"regexInput": f"^{COMPARISON}|/seed={min(seeds)}$"} if seeds else {}
    return "&" + urlencode({**chosen, "_smoothingWeight": "0"})


def with_view(app: Any, root: str, names: Sequence[str]) -> Any:
    """A WSGI application that sends those who ask for its front page, and for nothing else, to our view of it."""
    # Not by a redirect, which would lose the tab that was asked for: servers don't see it.
    tab = f'(/&/.test(location.hash) ? location.hash : (location.hash || "#timeseries") + {json.dumps(few(names))})'
    there = f"{json.dumps(f'{root}?{view()}')} + {tab}"
    page = f"<!doctype html><title>TensorBoard</title><script>location.replace({there})</script>".encode()

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != root or environ["QUERY_STRING"]:
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(page)))])
        return [page]

    return answer


def serve(folder: Path, names: Sequence[str], flags: Sequence[str], browser: bool) -> int:
    """Run TensorBoard until it is interrupted; its exit status.

    Raises:
        ConfigError: it can't be started.
    """
    from tensorboard import default, program
    from tensorboard.data import server_ingester
    from tensorboard.plugins.base_plugin import FlagsError

    class Server(program.WerkzeugServer):
        def print_serving_message(self) -> None:
            say(folder, names, self.get_url())
            if browser:
                webbrowser.open(self.get_url())

    def server(app: Any, given: Any) -> Any:
        root = f"{given.path_prefix.rstrip('/')}/"
        try:
            return program.with_port_scanning(Server)(with_view(app, root, names), given)
        except program.TensorBoardServerException as error:
            raise ConfigError(error.msg) from None

    try:
        server_ingester.get_server_binary()
        fast = "true"  # and not auto, which says at every start that this is an experiment
    except server_ingester.NoDataServerError:
        fast = "false"
    board = program.TensorBoard(plugins=default.get_plugins(), server_class=server)
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            board.configure(["tensorboard", f"--logdir={folder}", f"--load_fast={fast}", *flags])
    except FlagsError as error:
        raise ConfigError(str(error)) from None
    except SystemExit:  # argparse, which gives a reason at the end of a page about all flags
        raise ConfigError(said.getvalue().rpartition("error: ")[2].strip()) from None
    interrupts.check()  # of one that came while all that was imported
    return int(board.main())


def say(folder: Path, names: Sequence[str], url: str) -> None:
    console, colours = Console(), len(arms(names))
    console.line_of_text(f"{short(folder)}: {count(len(names), 'run')} of {count(colours, 'arm')}")
    if colours > COLOURS:
        console.prose(f"· TensorBoard has {COLOURS} colours: some arms share one", indent=2, style="dim")
    console.line_of_text(f"{url} (Ctrl-C ends it)")
    sys.stdout.flush()


def _is_there_a_browser() -> bool:
    """Whether a person sits before this terminal, with a display that a browser can open a window on."""
    display = sys.platform in ("darwin", "win32") or any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return sys.stdout.isatty() and display and "SSH_CONNECTION" not in os.environ
