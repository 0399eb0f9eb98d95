"""Which runs of a folder answer: a run's folder names one, of a study or sweep its comparison chooses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.analysis.comparison import Comparison, compare_folders
from ablate.analysis.runs import finished
from ablate.analysis.selection import choose as of_least_loss
from ablate.records.names import RESULT
from ablate.records.results import read
from ablate.utils.errors import ConfigError, one_of
from ablate.utils.files import is_folder
from ablate.utils.text import count, listed


@dataclass(frozen=True)
class Choice:
    """results: of the runs that answer, of an ensemble all of an arm; why: these, in words."""

    results: Sequence[dict[str, Any]]
    why: str


def choose(
    folder: Path, arm: str | None = None, seed: int | None = None, ensemble: bool = False, data: str | None = None
) -> Choice:
    """The runs of a folder that answer.

    Of several arms the one of least validation loss, a mean over the seeds that all have: never by the test, which
    would no longer tell how good it is. Of its runs the one of least validation loss; where every seed has a split of
    its own, so that these can't be compared, that of the least seed.

    arm: as the table or the study names it; ensemble: all of its seeds; data: the name of a set of data, where there
    are runs on several.

    Raises:
        ConfigError: there is none, or none that can be chosen so.
    """
    if not is_folder(folder):
        raise ConfigError(f"{folder}: no such folder")
    if seed is not None and ensemble:
        raise ConfigError(f"seed={seed}: goes without an ensemble, which is all seeds")
    if (folder / RESULT).exists():
        if arm is not None or seed is not None or ensemble:
            raise ConfigError(f"{folder}: is one run; an arm, a seed or an ensemble are chosen from a study or a sweep")
        return Choice([_of_run(folder)], "the run that was named")
    comparison = compare_folders(folder)
    if data is not None:
        comparison = _on(data, comparison)
    done = finished(comparison.runs)
    if done.empty:
        raise ConfigError(f"{folder}: no run has finished there")
    label, why = _named(arm, comparison, done) if arm is not None else _best(folder, comparison, done)
    if comparison.unfinished:
        why += f" so far, with {count(comparison.unfinished, 'run')} of the study not done yet"
    own = done[done["arm"] == label].sort_values("seed")
    if ensemble:
        return Choice([_of_run(Path(each)) for each in own["folder"]], f"{why}; all of its {count(len(own), 'seed')}")
    if seed is not None:
        if seed not in set(own["seed"]):
            raise ConfigError(f"seed={seed}: of arm {label} {one_of(map(str, own['seed']), seed)}")
        return Choice(
            [_of_run(Path(str(own.set_index("seed").loc[seed, "folder"])))], f"{why}; the seed that was named"
        )
    results = [_of_run(Path(each)) for each in own["folder"]]
    if len(results) == 1:
        return Choice(results, f"{why}; its one seed")
    if all(result["config"]["dataset"].get("split_seed") is None for result in results):
        return Choice(results[:1], f"{why}; its least seed, for each has a split of its own")
    least = min(results, key=_loss)
    return Choice([least], f"{why}; of its {len(results)} seeds the one of least validation loss")


def _loss(result: dict[str, Any]) -> float:
    """Of the validation part; none is the worst."""
    found = result["metrics"].get("loss/val")
    return math.inf if found is None else float(found)


def _of_run(folder: Path) -> dict[str, Any]:
    results, complaints = read([folder])
    here = str(folder.resolve())
    found = next((result for result in results if result["folder"] == here), None)
    if found is None:
        raise ConfigError(complaints[0] if complaints else f"{folder}: holds no result")
    if found["status"] != "finished":
        raise ConfigError(f"{folder}: the run {found['status']}, and has no weights")
    return found


def _named(arm: str, comparison: Comparison, done: pd.DataFrame) -> tuple[str, str]:
    """An arm by its name in the table, or in the study: of several strengths the chosen one."""
    asked = comparison.sweep.runs if comparison.sweep is not None else []
    members: dict[str, set[str]] = {}
    for run in asked:
        if run.arm is not None:
            members.setdefault(run.arm, set()).add(run.run_id)
    if arm in set(done["arm"]):
        labels, why = [arm], "the arm that was named"
    elif arm in members:
        labels = list(dict.fromkeys(done.loc[done["run_id"].isin(members[arm]), "arm"]))
        why = f"the arm that was named, of {count(len(labels), 'strength')} that of least validation loss"
    else:
        labels, why = [], ""
    if not labels:
        raise ConfigError(f"arm={arm}: {one_of({*done['arm'], *members}, arm)}")
    _refuse_other_data(done[done["arm"].isin(labels)])
    return of_least_loss(comparison.runs, labels), why


def _best(folder: Path, comparison: Comparison, done: pd.DataFrame) -> tuple[str, str]:
    """Of the arms with a row, of which those of several strengths have the chosen one."""
    labels = [arm for arm in dict.fromkeys(comparison.arms["arm"]) if arm in set(done["arm"])]
    own = done[done["arm"].isin(labels)]
    _refuse_other_data(own)
    losses = {str(_of_run(Path(str(each)))["config"].get("loss")) for each in own.drop_duplicates("arm")["folder"]}
    if len(losses) > 1:
        raise ConfigError(f"{folder}: its arms have different losses, which can't be compared; choose one: --arm NAME")
    if len(labels) == 1:
        return labels[0], "the only arm"
    return of_least_loss(comparison.runs, labels), f"of {len(labels)} arms the one of least validation loss"


def _on(data: str, comparison: Comparison) -> Comparison:
    """The runs and arms on one set of data alone. data: its name in the table."""
    if data not in (names := set(comparison.runs["dataset"])):
        raise ConfigError(f"data={data}: {one_of(names, data)}")
    runs = comparison.runs[comparison.runs["dataset"] == data]
    return replace(comparison, runs=runs, arms=comparison.arms[comparison.arms["data"].isin(set(runs["data"]))])


def _refuse_other_data(runs: pd.DataFrame) -> None:
    if runs["data"].nunique() > 1:
        names = listed(map(str, dict.fromkeys(runs["dataset"])))
        raise ConfigError(f"there are runs on {names}; choose one by its name, --data NAME, or name a run's folder")
