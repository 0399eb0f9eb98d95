"""What a sweep was asked for: kept in its folder, so that its table can be made of that, now and later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ablate.config import identity
from ablate.options.schema import Line, Seed
from ablate.records.names import ASKED
from ablate.records.results import document
from ablate.records.schema import Count, Metric, fitting
from ablate.utils.errors import ConfigError
from ablate.utils.files import write
from ablate.utils.text import line

DIGITS = 18  # of a seed that is one


@dataclass(frozen=True)
class Asked:
    """A run that a sweep was asked for.

    arm: its arm's name in the study, None outside of one; error: why it can't be trained, and typed, what was
    asked for then.
    """

    run_id: Line
    arm: Line | None
    seed: Seed
    error: Line | None = None
    typed: Line | None = None

    def result(self) -> dict[str, Any]:
        """What stands for a result of a run that can't be trained."""
        status: dict[str, Any] = {"status": "failed", "error": self.error, "config": {}, "metrics": {}, "folder": ""}
        return {"run_id": self.run_id, "arm": self.arm or self.typed, "seed": self.seed, **status}


@dataclass(frozen=True)
class Sweep:
    """What a sweep was asked for: kept in its folder, so that its table can be made of that, now and later.

    runs: those that were asked for last, and those on other data that were asked for before.
    looks: how many seeds its arms had each time that their results were there and more seeds were asked for.
    commands: by data (`identity.data_settings`), what was typed for it.
    """

    command: list[str]
    study: Line | None
    baseline: Line | None  # an arm's name
    metric: Metric | None
    runs: list[Asked]
    looks: list[Count] = field(default_factory=list)
    commands: dict[str, list[str]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / ASKED, json.dumps(asdict(self), indent=1) + "\n")

    @staticmethod
    def of(folder: Path) -> Sweep | None:
        """What was asked for in a folder, where that can be told."""
        try:
            return Sweep.read(folder / ASKED)
        except ConfigError:
            return None

    @staticmethod
    def read(path: Path) -> Sweep:
        """Raises: ConfigError: the file can't be read, or is none of ours."""
        try:
            return fitting(Sweep, document(path))[0]
        except (OSError, ValueError, ConfigError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ConfigError(line(f"{path}: is no list of what was asked for: {said}")) from None


def with_other_data(sweep: Sweep, before: Sweep | None, there: Mapping[str, dict[str, Any]]) -> Sweep:
    """A sweep with those runs on other data that its folder was asked for before and that have a result.

    So that two commands for two data sets leave what one command for both does. `sweep.commands` tells its data.

    there: the results in the folder, by run_id.
    """
    if before is None:
        return sweep
    data = {run_id: identity.data_settings(result["config"]) for run_id, result in there.items()}
    others = [run for run in before.runs if run.run_id in data and data[run.run_id] not in sweep.commands]
    looks = _looks(before, sweep.runs, there)
    if others:
        looks = sorted({*looks, *before.looks})
    kept = {data[run.run_id] for run in others}
    commands = {name: typed for name, typed in before.commands.items() if name in kept}
    return replace(sweep, runs=[*sweep.runs, *others], looks=looks, commands=sweep.commands | commands)


def _looks(before: Sweep, runs: Sequence[Asked], there: Collection[str]) -> list[int]:
    """The looks of a sweep that is asked for now, after what was asked for before.

    there: the run_id of every result in the folder.
    """
    now, seeds = {run.run_id for run in runs}, {run.seed for run in runs}
    again = [run for run in before.runs if run.error is None and run.run_id in now]
    if not again:
        return []
    seen = {run.seed for run in again}
    looked = seen < seeds and all(run.run_id in there for run in again)
    return [n for n in before.looks if n < len(seeds)] + [len(seen)] * looked


def refused(arm: str | None, overrides: Sequence[str], shared: set[str], reason: str) -> Asked:
    """A job that can't be composed.

    shared: the overrides that all jobs have, which make no arm; reason: what is wrong.
    """
    ours = [text for text in overrides if not text.startswith(("hydra.", "hydra/"))]
    said = [text for text in ours if not text.startswith("seed=") and text not in shared]
    seed = next((text.removeprefix("seed=") for text in ours if text.startswith("seed=")), "0")
    run_id = hashlib.sha256("\0".join(sorted(ours)).encode(errors="backslashreplace")).hexdigest()[:12]
    number = int(seed) if seed.isdecimal() and len(seed) <= DIGITS else 0
    return Asked(run_id, arm, number, line(reason.removeprefix("error: ")), line(" ".join(said)) or "none")
