"""Whose the files of a folder are: nothing of ours takes the place of somebody's own, or goes through a link.

A folder is claimed before a file is put into it. What has one of our names there at the first claim is somebody's own,
unless a result, a checkpoint or a study.json proves the folder to be ours. From then on a mark says that these names
are ours there.
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
    COMPARISON,
    EARLIER,
    HISTORY,
    LOCK,
    MARK,
    MULTIRUN,
    REPORT,
    RESULT,
    RUNS,
    STRENGTHS,
    WEIGHTS,
)
from ablate.records.results import is_result
from ablate.records.sweeps import Sweep
from ablate.utils.errors import ConfigError
from ablate.utils.files import adding, is_other, is_plain, read, short

LONGEST_MARK = 1000  # bytes


def _of_a_run(folder: Path) -> bool:
    if is_result(folder / RESULT):
        return True
    if not is_plain(folder / CHECKPOINT):
        return False
    try:
        with safe_open(folder / CHECKPOINT, framework="np") as file:
            return "run_id" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _of_a_sweep(folder: Path) -> bool:
    return is_plain(folder / ASKED) and Sweep.of(folder) is not None


@dataclass(frozen=True)
class Kind:
    """What lies in a folder. names: of its files and, with a `/` behind, its folders; proven: whether a folder without
    a mark is one's.
    """

    name: str
    names: tuple[str, ...]
    proven: Callable[[Path], bool]


_TABLE = (RUNS, *(f"{COMPARISON}{end}" for end in (".csv", ".md", ".tex")), STRENGTHS, REPORT, f"{COMPARISON}/")
RUN = Kind("run", (RESULT, HISTORY, WEIGHTS, CHECKPOINT, f"{EARLIER}/"), _of_a_run)
TABLE = Kind("table", _TABLE, _of_a_sweep)
SWEEP = Kind("sweep", (ASKED, MULTIRUN, *_TABLE), _of_a_sweep)


def claim(folder: Path, kind: Kind, also: Sequence[str] = ()) -> bool:
    """Have these names be ours in a folder that is there; whether they were not before.

    also: further names, of what Hydra writes there.

    Raises:
        ConfigError: somebody's own files have them, or links.
    """
    if why := foreign(folder, kind, also):
        raise ConfigError(why)
    if new := kind.name not in _claimed(folder):
        with adding(folder / MARK, encoding="utf-8") as mark:
            mark.write(f"{kind.name}\n")
    return new


def foreign(folder: Path, kind: Kind, also: Sequence[str] = ()) -> str | None:
    """Why a folder can't be claimed, or None where it can.

    Raises:
        OSError: it can't be looked at.
    """
    names = (*kind.names, *also)
    if other := next((path for name in (*names, MARK, LOCK) if (path := _other(folder, name))), None):
        return f"{short(other)}: is a link, or something else than what is to be there"
    if kind.name in _claimed(folder):
        return None
    found = next((name for name in names if os.path.lexists(folder / name)), None)
    if found is None or kind.proven(folder):
        return None
    return f"{short(folder / found)}: was there before, and no {kind.name} has left it; choose another folder"


def _other(folder: Path, name: str) -> Path | None:
    """What can't be ours, whatever a mark says: something else than a plain file, or a folder that holds a link."""
    path = folder / name
    if not name.endswith("/"):
        return path if is_other(path) else None
    if path.is_symlink() or ((is_plain(path) or not path.is_dir()) and os.path.lexists(path)):
        return path
    return next((below for below in path.rglob("*") if below.is_symlink()), None)


def _claimed(folder: Path) -> set[str]:
    """The kinds of which a folder is marked."""
    mark = folder / MARK
    try:
        return set(read(mark, LONGEST_MARK).decode().split()) if is_plain(mark) else set()
    except ValueError:  # somebody's own
        return set()
