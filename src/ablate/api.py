"""`ablate.train` and `ablate.study`: the commands, from Python. What they return is pandas, for notebooks."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pandas as pd

from ablate.analysis.comparison import compare_folders
from ablate.cli.main import with_study
from ablate.cli.perform import perform
from ablate.records.names import RESULT
from ablate.records.results import read
from ablate.report.text import sentences
from ablate.report.write import save
from ablate.utils.console import FAILED, FINISHED, INTERRUPTED, REFUSED
from ablate.utils.errors import ConfigError, RunFailed


def train(*overrides: str) -> pd.DataFrame:
    """Train one run, as `python -m ablate OVERRIDES` does, files included.

    Returns its history: a row an epoch, a column a figure. `attrs` holds its result.json and its `folder`.

    Raises:
        ConfigError: the config is wrong. RunFailed: the run diverged or raised.
    """
    if {"-m", "--multirun"} & set(overrides):
        raise ConfigError("-m: train trains one run; ablate.study takes a study")
    with contextlib.redirect_stdout(io.StringIO()):  # what it says of the run is returned
        folder = _performed(overrides, (FINISHED,))
    (result,), _ = read([folder])
    history = pd.read_csv(folder / "history.csv", index_col="epoch")
    history.attrs.update(result)
    return history


def study(name: str = "regularizers", *overrides: str) -> pd.DataFrame:
    """Carry out a study, as `python -m ablate -m study=NAME OVERRIDES` does: what is done already is read.

    Returns `Comparison.arms`, a row an arm with its verdict, by arm. `attrs` holds the verdict in `sentences`,
    and the `folder`, where the report and the runs are. Runs that failed are counted there.

    Raises:
        ConfigError: the study or a config is wrong. RunFailed: no run finished.
    """
    folder = _performed(["-m", *with_study(overrides, name)], (FINISHED, FAILED))
    if not any(folder.rglob(RESULT)):
        raise RunFailed(f"{folder}: no run left a result")
    comparison = compare_folders(folder)
    save(comparison, folder)
    arms = comparison.arms.set_index("arm")
    arms.attrs = {"sentences": sentences(comparison), "folder": str(folder)}
    return arms


def _performed(arguments: list[str] | tuple[str, ...], good: tuple[int, ...]) -> Path:
    ended = perform(arguments)
    if ended.status == INTERRUPTED:
        raise KeyboardInterrupt
    if ended.status in good and ended.command.folder is not None:
        return ended.command.folder
    said = (ended.line or "").removeprefix("error: ")
    raise (ConfigError if ended.status == REFUSED else RunFailed)(said)
