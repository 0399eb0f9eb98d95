"""`ablate.train` and `ablate.study`: the commands, from Python. What they return is pandas, for notebooks.

They leave nothing changed in the process that calls them. Calls from several threads take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ablate.analysis.comparison import compare_folders
from ablate.cli.perform import call
from ablate.cli.surroundings import kept
from ablate.records.names import RESULT
from ablate.records.results import read
from ablate.report.text import sentences
from ablate.report.write import save
from ablate.utils.console import REFUSED, Console
from ablate.utils.errors import ConfigError, RunFailed


@kept()
def train(*overrides: str, config_dir: str | Path | None = None, progress: bool = True) -> pd.DataFrame:
    """Train one run, as `python -m ablate OVERRIDES` does, files included.

    config_dir: a folder of options of one's own; progress: whether to show how far it is.

    Returns its history: a row an epoch, a column a figure. `attrs` holds its result.json and its `folder`.

    Raises:
        ConfigError: the config is wrong. RunFailed: the run diverged or raised.
    """
    folder = _called("train", overrides, False, config_dir, progress)
    (result,), _ = read([folder])
    history = pd.read_csv(folder / "history.csv", index_col="epoch")
    history.attrs.update(result)
    return history


@kept()
def study(
    name: str = "regularizers", *overrides: str, config_dir: str | Path | None = None, progress: bool = True
) -> pd.DataFrame:
    """Carry out a study, as `python -m ablate -m study=NAME OVERRIDES` does: what is done already is read.

    config_dir: a folder of options of one's own; progress: whether to show how far it is.

    Returns `Comparison.arms`, a row an arm with its verdict, by arm. `attrs` holds the verdict in `sentences`,
    and the `folder`, where the report and the runs are. Runs that failed are counted there.

    Raises:
        ConfigError: the study or a config is wrong. RunFailed: no run finished.
    """
    folder = _called("study", [f"study={name}", *overrides], True, config_dir, progress)
    if not any(folder.rglob(RESULT)):
        raise RunFailed(f"{folder}: no run left a result")
    comparison = compare_folders(folder)
    save(comparison, folder)
    arms = comparison.arms.set_index("arm")
    arms.attrs = {"sentences": sentences(comparison), "folder": str(folder)}
    return arms


def _called(name: str, words: Sequence[str], sweep: bool, config_dir: str | Path | None, progress: bool) -> Path:
    """Carry out a command; the folder that it wrote into."""
    for word in words:
        if not isinstance(word, str):
            raise ConfigError(f"{word!r}: ablate.{name} takes texts, each key=value")
        if word.startswith(("-", "hydra.mode=")):
            raise ConfigError(f"{word}: is the command line's; {_instead(name, word)}")
    console = Console(quiet=not progress)
    status, line, command, error = call(words, sweep, None if config_dir is None else Path(config_dir), console)
    if isinstance(error, KeyboardInterrupt):
        raise KeyboardInterrupt from error
    if command.folder is not None and (error is None or (sweep and isinstance(error, RunFailed))):
        return command.folder
    said = (line or "").removeprefix("error: ").removeprefix("run failed: ")
    raise (ConfigError if status == REFUSED else RunFailed)(said) from error


def _instead(name: str, word: str) -> str:
    """What to do in Python instead of typing an option."""
    if word.split("=")[0] in ("--config-dir", "-cd"):
        return f'ablate.{name}(…, config_dir="mine") names a folder of options of your own'
    if word.startswith(("-m", "--multirun", "hydra.mode=")):
        return "train trains one run, and ablate.study takes a study"
    return f"ablate.{name} takes key=value, and `python -m ablate {word}` this"
