"""Whose the files of a folder are: nothing of ours takes the place of somebody's own, or goes through a link.

A folder is claimed before a file is put into it. What has one of our names there at the first claim is somebody's own,
unless a result, a checkpoint, a study.json or our table proves the folder to be ours. From then on a mark says that
these names, and no others, are ours there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ablate.records.names import (
    ASKED,
    CHECKPOINT,
    COLUMNS,
    COMPARISON,
    EARLIER,
    HISTORY,
    LOCK,
    LOG,
    MARK,
    MULTIRUN,
    OWN_EVENTS,
    PREDICTION,
    REPORT,
    RESULT,
    RUNS,
    STRENGTHS,
    WEIGHTS,
)
from ablate.records.results import is_result
from ablate.records.sweeps import Sweep
from ablate.utils.errors import ConfigError
from ablate.utils.files import adding, is_other, is_plain, opened, read, remove, short, write
from ablate.utils.text import line

LONGEST_MARK = 100_000  # bytes
HEADING = b"arm,seed,status,"  # of our tables of runs


def _of_a_run(folder: Path) -> bool:
    return is_result(folder / RESULT) or unfinished_run(folder) is not None


def _of_a_table(folder: Path) -> bool:
    if is_plain(folder / ASKED):
        return Sweep.of(folder) is not None
    try:
        with opened(folder / RUNS) as file:
            return file.part(0, len(HEADING)) == HEADING
    except (OSError, ValueError):
        return False


def unfinished_run(folder: Path) -> str | None:
    """The run_id of the run that has left a checkpoint in a folder, where there is one that tells."""
    if not is_plain(folder / CHECKPOINT):
        return None
    try:
        with safe_open(folder / CHECKPOINT, framework="np") as file:
            return (file.metadata() or {}).get("run_id")
    except (OSError, SafetensorError):
        return None


@dataclass(frozen=True)
class Kind:
    """What lies in a folder. names: of its files and, with a `/` behind, its folders, or a pattern of event files.

    proven: whether a folder that has no mark, as those of before there were any, or those that were copied without it,
    is one's; there: what may be of ours in it then.
    """

    name: str
    names: tuple[str, ...]
    proven: Callable[[Path], bool]
    there: tuple[str, ...]


_TABLE = (RUNS, *(f"{COMPARISON}{end}" for end in (".csv", ".md", ".tex")), STRENGTHS, REPORT, f"{COMPARISON}/")
_RUN = (RESULT, HISTORY, WEIGHTS, PREDICTION, COLUMNS, CHECKPOINT, f"{EARLIER}/", OWN_EVENTS)
RUN = Kind("run", _RUN, _of_a_run, (*_RUN, ".hydra/", LOG))
TABLE = Kind("table", _TABLE, _of_a_table, _TABLE)
SWEEP = Kind("sweep", (ASKED, MULTIRUN, *_TABLE), _of_a_table, (ASKED, MULTIRUN, *_TABLE))


def claim(folder: Path, kind: Kind, also: Sequence[str] = ()) -> list[str]:
    """Have names be ours in a folder that is there, and mark it with them; those of them that are new there.

    also: further names, of what Hydra writes there.

    Raises:
        ConfigError: somebody's own files have them, or links.
    """
    if why := foreign(folder, kind, also):
        raise ConfigError(why)
    names, marked = (*kind.names, *also), _marked(folder)
    new = [name for name in names if not _there(folder, name)]
    if unmarked := [line(name) for name in names if line(name) not in marked]:
        with adding(folder / MARK, encoding="utf-8") as mark:
            mark.write("".join(f"{name}\n" for name in unmarked))
    return [name for name in new if line(name) in unmarked]


def disclaim(folder: Path, names: Sequence[str]) -> None:
    """Remove what has these names, which were new, and have them be nobody's again."""
    for name in names:
        for path in _there(folder, name):
            remove(path)
    if marked := _marked(folder):
        left = [name for name in marked if name not in map(line, names)]
        write(folder / MARK, "".join(f"{name}\n" for name in left)) if left else remove(folder / MARK)


def foreign(folder: Path, kind: Kind, also: Sequence[str] = ()) -> str | None:
    """Why a folder can't be claimed, or None where it can.

    Raises:
        OSError: it can't be looked at.
    """
    names = (*kind.names, *also)
    if other := next((path for name in (*names, MARK, LOCK) if (path := _other(folder, name))), None):
        return f"{short(other)}: is a link, or something else than what is to be there"
    marked = _marked(folder)
    unmarked = [name for name in names if line(name) not in marked and _there(folder, name)]
    unmarked = [name for name in unmarked if not _marked(folder / name)]  # a study of ours may be called `comparison`
    if unmarked and kind.proven(folder):
        unmarked = [name for name in unmarked if name not in kind.there]
    if not unmarked:
        return None
    path = _there(folder, unmarked[0])[0]
    return f"{short(path)}: was there before, and no {kind.name} has left it; choose another folder"


def _there(folder: Path, name: str) -> list[Path]:
    """What has a name in a folder."""
    if name == OWN_EVENTS:
        return sorted(folder.glob(name))
    return [folder / name] if os.path.lexists(folder / name) else []


def _other(folder: Path, name: str) -> Path | None:
    """What can't be ours, whatever a mark says: something else than a plain file, or a folder that holds a link."""
    if not name.endswith("/"):
        return next((path for path in _there(folder, name) if is_other(path)), None)
    path = folder / name
    if path.is_symlink() or ((is_plain(path) or not path.is_dir()) and os.path.lexists(path)):
        return path
    return next((below for below in path.rglob("*") if below.is_symlink()), None)


def _marked(folder: Path) -> list[str]:
    """The names that a folder's mark says are ours."""
    mark = folder / MARK
    try:
        return read(mark, LONGEST_MARK).decode().splitlines() if is_plain(mark) else []
    except ValueError:  # somebody's own
        return []
