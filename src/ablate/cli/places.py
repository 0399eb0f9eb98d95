"""Where runs and sweeps go: folders that are theirs, and nobody else's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablate.config.naming import arm as arm_name
from ablate.records import results
from ablate.records.job import Job
from ablate.records.names import ASKED, EARLIER, LOCK, MARK, RESULT, WRITING
from ablate.records.ownership import RUN, SWEEP, claim, foreign, unfinished_run
from ablate.utils.console import complain
from ablate.utils.errors import ConfigError, refuse
from ablate.utils.files import filename, first_missing, linked, short
from ablate.utils.text import line

OF_THE_SWEEP = {*(name.rstrip("/") for name in SWEEP.names), LOCK, MARK, WRITING}
MOST = 100  # places that are looked at for a run


def places(config: DictConfig, key: str) -> Iterator[tuple[Path, bool]]:
    """The folder that a key names; where the second is part of its name, others with a suffix follow, without end.

    Each with whether it has to be new: one that is named by the clock is for one command. The config, and with it those
    of a sweep's jobs, names the last one that was asked for from then on.
    """

    def named() -> Path:
        return Path(str(OmegaConf.select(config, key))).absolute()

    first = named()
    read: dict[Any, str] = OmegaConf.get_cache(config).get("now", {})  # Hydra reads the clock once for every pattern
    seconds = {pattern: said for pattern, said in read.items() if re.search("%[STXcsf]", str(pattern))}

    def suffixed(n: int) -> Path:
        read.update({pattern: f"{said}-{n}" for pattern, said in seconds.items()})
        return named()

    by_clock = suffixed(2) != first
    read.update(seconds)
    yield first, by_clock
    if by_clock:
        yield from ((suffixed(n), True) for n in count(2))


def hydras(config: Any) -> list[str]:
    """What Hydra writes into a job's folder, and it is going to be there: its record, and the job's log."""
    subdir = config.hydra.output_subdir
    record = [f"{subdir}/"] if subdir else []
    if subdir and os.path.normpath(str(subdir)) == os.curdir:
        record = ["config.yaml", "hydra.yaml", "overrides.yaml"]
    return [*record, f"{filename(str(config.hydra.job.name))}.log"]


def refuse_others(job: Job) -> None:
    """Refuse a run a folder below which other runs lie, or in which another one has finished.

    Raises:
        ConfigError: it is such a folder.
    """
    folder = job.folder
    below = (path for name in (RESULT, ASKED) for path in results.left(folder, name))
    if others := next((path for path in below if path != folder / RESULT and path.parent != folder / EARLIER), None):
        said = f"other runs lie there ({short(others.absolute())}); a run takes a folder of its own"
        raise refuse("hydra.run.dir", str(folder), said)
    for result in results.read([folder])[0]:
        if result["status"] == "finished" and result["run_id"] != job.run_id:
            said = f"{result['arm']} seed {result['seed']} has finished there, with other settings, data or code"
            raise refuse("hydra.run.dir", str(folder), f"{said}; a run takes a folder of its own")


def free(folder: Path, subdir: str, job: Job, taken: set[str], also: Sequence[str]) -> str:
    """Where below a sweep's folder a run is put: in its place, or beside what is there and not its own.

    subdir: its place, normalised; taken: places of other runs, to which it is added; also: names of what Hydra writes.

    Raises:
        ConfigError: its place is not below the sweep's folder, or can't be written. OSError: it can't be made.
    """
    parent, name = os.path.split(subdir)
    first = Path(subdir).parts[:1]
    if Path(subdir).is_absolute() or name in ("", os.curdir, os.pardir) or first == (os.pardir,):
        raise refuse("hydra.sweep.subdir", subdir, "must be a folder below the sweep's")
    if first and first[0] in OF_THE_SWEEP:
        raise refuse("hydra.sweep.subdir", subdir, "is where a file of the sweep's own goes")
    first_missing(folder / subdir)
    for place in islice(_tried(parent, name, job), MOST):
        key = str((folder / place).resolve())
        if key in taken or unfinished_run(folder / place) not in (None, job.run_id):
            continue
        if why := not_ours(folder, place, also):
            complain(f"warning: {why}; the run goes beside it")
            continue
        taken.add(key)
        return place
    raise refuse("hydra.sweep.subdir", subdir, "no place for the run there, or beside it: all are somebody's own")


def _tried(parent: str, name: str, job: Job) -> Iterator[str]:
    yield os.path.join(parent, name)  # noqa: PTH118 - a relative one
    if parent:
        yield os.path.join(f"{parent}-{job.arm_id}", name)  # noqa: PTH118
    own = os.path.join(parent, f"{name}-{job.run_id}")  # noqa: PTH118
    yield own
    yield from (f"{own}-{n}" for n in count(2))


def not_ours(folder: Path, place: str, also: Sequence[str]) -> str | None:
    """Why a run can't be put into a place below a sweep's folder, or None where it can."""
    try:
        if (folder / place).exists() and not os.access(folder / place, os.W_OK | os.X_OK):
            return f"{short(folder / place)}: can't be written"
        if link := linked(folder, folder / place):
            return f"{short(link)}: is a link, and nothing is written through one"
        return foreign(folder / place, RUN, also)
    except OSError as error:
        return line(f"{short(folder / place)}: {error.strerror}")


def take(job: Job, also: Sequence[str]) -> None:
    """Claim the folder of a sweep's run, before anybody writes into it.

    Raises:
        ConfigError: somebody's own files are there, or links.
    """
    with suppress(OSError):  # that it can't be written is the run's own failure
        job.folder.mkdir(parents=True, exist_ok=True)
        claim(job.folder, RUN, also)


def check_folders(jobs: Sequence[Job]) -> None:
    """Refuse a sweep of which two runs would write to the same folder, or one to none."""
    taken: dict[Path, Job] = {}
    for job in jobs:
        first_missing(job.folder)
        other = taken.setdefault(Path(os.path.normpath(job.folder)), job)
        if other is not job:
            both = " and ".join(f"{arm_name(j.config)} seed {j.config.seed}" for j in (other, job))
            raise ConfigError(f"hydra.sweep.subdir: {both} would share the folder {short(job.folder)}")
