"""`ablate.train`, `ablate.study` and `ablate.load`: the commands, from Python, for notebooks.

They leave nothing changed in the process that calls them. Calls from several threads take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate.analysis.comparison import compare_folders
from ablate.cli.perform import call
from ablate.cli.surroundings import kept
from ablate.options import discovery
from ablate.prediction import choice, predictor, reading
from ablate.records.names import RESULT
from ablate.records.results import read
from ablate.report.text import sentences
from ablate.report.write import save
from ablate.utils.console import REFUSED, Console, complain
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


class Loaded:
    """What finished runs say of new samples: of one run, or of several of an arm, whose answers are averaged;
    data: a set of data by its name, where there are runs on several.

    config, result: of the run, of several the first; classes: what is told apart, in the order of the probabilities,
    of several labels these; none of numbers; why: this run was chosen.
    """

    def __init__(self, runs: predictor.Predictor) -> None:
        self._runs = runs
        self.result: dict[str, Any] = runs.runs[0].result
        self.config: dict[str, Any] = self.result["config"]
        self.classes = () if runs.target.task == "regression" else runs.target.labels
        self.why = runs.why

    @kept()
    def predict(self, x: Any) -> np.ndarray:
        """The class of each sample, [n]; of several labels 0 or 1 each, [n, k]; of numbers these, [n] or [n, k].

        x: samples as the run's dataset has them, a data frame or an array, or the path of a file with such.

        Raises:
            ConfigError: they are no such samples.
        """
        return self._runs.labels(self._answers(x))

    @kept()
    def predict_proba(self, x: Any) -> np.ndarray:
        """The probabilities of the classes or of the labels, float64 [n, k]. x: as `predict` takes it.

        Raises:
            ConfigError: they are no such samples; what is predicted are numbers.
        """
        if self._runs.target.task == "regression":
            raise ConfigError("predict_proba: numbers are predicted, which have no probabilities")
        return self._answers(x)

    def _answers(self, x: Any) -> np.ndarray:
        prepared = self._runs.runs[0].prepared
        if isinstance(x, str | Path):
            return self._runs.answers(reading.read(str(x), self.config["dataset"], prepared).x)
        return self._runs.answers(reading.as_samples(x, prepared)[0])


@kept()
def load(
    folder: str | Path,
    *,
    arm: str | None = None,
    seed: int | None = None,
    ensemble: bool = False,
    data: str | None = None,
    config_dir: str | Path | None = None,
) -> Loaded:
    """What a finished run predicts, as `python -m ablate predict` does.

    folder: of a run; or of a study or a sweep, of which the arm of least validation loss is taken, and of its seeds the
    one of least validation loss. arm, seed: others; ensemble: all seeds of the arm, whose answers are averaged;
    data: a set of data by its name, where there are runs on several.
    config_dir: the folder of options of one's own that the run was trained with.

    Raises:
        ConfigError: there is no such run, or it lacks what it needs.
    """
    with discovery.using([] if config_dir is None else [Path(config_dir)]):
        found = predictor.load(choice.choose(Path(folder), arm, seed, ensemble, data))
    for line in found.said:
        complain(f"warning: {line}")
    return Loaded(found)


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
