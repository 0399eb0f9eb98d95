"""Preparing a sweep: which of its jobs are left to do, where each goes, and what was asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ablate.analysis import studies
from ablate.analysis.metrics import of_tasks
from ablate.cli.command import Command
from ablate.cli.composing import Checked, override
from ablate.cli.messages import said_of
from ablate.cli.places import check_folders, free, not_ours, take
from ablate.config import identity
from ablate.config.schema import Config
from ablate.options.code import told
from ablate.records import results
from ablate.records.job import Job
from ablate.records.sweeps import Asked, Sweep, refused, with_other_data
from ablate.utils import interrupts
from ablate.utils.console import complain
from ablate.utils.errors import one_of, refuse
from ablate.utils.files import tidy
from ablate.utils.text import count, line, listed


def left_to_do(
    command: Command,
    master: DictConfig,
    jobs: Sequence[tuple[str | None, list[str]]],
    checked: Callable[[Sequence[str]], Checked],
) -> list[list[str]]:
    """What is left to do of a sweep's jobs: each run once, and none that its folder holds already.

    Keeps in the folder what was asked for, and the reason of every job that can't be trained.

    jobs: the arm's name and the overrides of each; checked: composes and checks one.

    Raises:
        ConfigError: the first job's reason, where none can be trained; another process works in the folder.
    """
    folder = Path(master.hydra.sweep.dir)
    wrong: dict[int, str] = {}  # and no errors, which hold their configs
    first: Exception | None = None
    sound: dict[int, tuple[Checked, Job]] = {}
    for i, (_, overrides) in enumerate(jobs):
        try:
            own = checked(overrides)
            sound[i] = own, Job(own.found, folder)
        except Exception as error:
            interrupts.check()
            first = first or error
            wrong[i] = said_of(error, overrides)[1]
    if first is not None and not sound:
        raise first
    _check_metric(studies.study(master), [own.found for own, _ in sound.values()])
    tidy(folder)
    found, there, taken = _there(folder)
    shared = set.intersection(*(set(overrides) for _, overrides in jobs))
    asked: list[Asked] = []
    left: dict[str, list[str]] = {}
    todo: list[Job] = []
    hydras: dict[str, list[str]] = {}
    for i, (arm, overrides) in enumerate(jobs):
        if i in wrong:
            asked.append(refused(arm, overrides, shared, wrong[i]))
            continue
        own, job = sound[i]
        subdir = os.path.normpath(own.subdir)
        asked.append(Asked(job.run_id, arm, job.config.seed))
        earlier = there.get(job.run_id)
        if job.run_id in left or (earlier and not _again(job.config.rerun, earlier["status"])):
            continue
        place = os.path.relpath(results.home(earlier), folder.resolve()) if earlier else ""
        hydras[job.run_id] = own.hydras
        if not earlier or not_ours(folder, place, own.hydras):
            # What is there of other settings, or somebody's own, stays.
            place = free(folder, subdir, job, taken, own.hydras)
        moved = [override("hydra.sweep.subdir", place)] if place != subdir else []
        left[job.run_id] = [*overrides, *moved]
        todo.append(job.at((folder / place).absolute()))
    check_folders(todo)
    data = {identity.data_settings(job.config.model_dump()) for _, job in sound.values()}
    _keep(command, master, folder, asked, data, there)
    _say(command, asked, left)
    _say_why_anew(command, [job for job in todo if job.run_id not in there], found)
    for job in todo:
        take(job, hydras[job.run_id])
    command.training = bool(left)  # by whoever launches them now
    return list(left.values())


def _check_metric(study: studies.Study | None, configs: Sequence[Config]) -> None:
    """Refuse a metric that none of the runs has.

    Raises:
        ConfigError: names those that they have.
    """
    if study is None or study.metric is None:
        return
    from ablate.preprocessing.splits import facts  # imports torch, as checking jobs has by now

    tasks = {facts(config.dataset, config.split_seed, config.task).task for config in configs}
    if study.metric not in (names := of_tasks(tasks)):
        raise refuse("study.metric", study.metric, f"is no metric of task={listed(sorted(tasks))}; {one_of(names)}")


def _there(folder: Path) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], set[str]]:
    """The results that a sweep's folder holds; these by run_id; and the folders that are taken by them."""
    found, damaged = results.read([folder])
    for complaint in damaged:
        complain(f"warning: {complaint}")
    found.sort(key=lambda result: result["status"] == "finished")  # of two results of a run, this one counts
    return found, {result["run_id"]: result for result in found}, {results.home(result) for result in found}


def _keep(
    command: Command,
    master: DictConfig,
    folder: Path,
    asked: list[Asked],
    data: Collection[str],
    there: Mapping[str, dict[str, Any]],
) -> None:
    """Write down what the sweep was asked for, beside what was asked for on other data.

    data: settings of those that are asked for; there: the results in its folder, by run_id.
    """
    name, study = master.hydra.runtime.choices.get("study"), studies.study(master)
    baseline, metric = (study.baseline, study.metric) if study else (None, None)
    sweep = Sweep(
        command.arguments, name, baseline, metric, asked, commands=dict.fromkeys(sorted(data), command.arguments)
    )
    kept = with_other_data(sweep, Sweep.of(folder), there)
    kept.write(folder)
    if others := kept.runs[len(asked) :]:
        names = listed(sorted({there[run.run_id]["config"]["dataset"]["name"] for run in others}))
        command.console.line_of_text(
            f"the table keeps {count(len(others), 'run')} on other data, asked for before ({names}); "
            "another hydra.sweep.dir keeps them apart"
        )


def _say(command: Command, asked: Sequence[Asked], left: Collection[str]) -> None:
    """Tell how many runs there are, and note which are reused. left: the run_id of those to do."""
    hopeless = {run.run_id for run in asked if run.error is not None}
    runs = {run.run_id for run in asked}
    command.reused = runs - hopeless - set(left)
    if len(asked) > len(runs):
        command.console.line_of_text(f"{count(len(asked), 'job')}, {count(len(runs), 'different run')}")
    if command.reused or hopeless:
        untrained = f", {len(hopeless)} can't be trained" if hopeless else ""
        there = f"{count(len(runs), 'run')}: {len(command.reused)} reused, {len(left)} to do{untrained}"
        command.console.line_of_text(there)


def _say_why_anew(command: Command, jobs: Sequence[Job], found: Sequence[dict[str, Any]]) -> None:
    """Tell of runs that have finished before, with the same settings, why these results are not theirs any more."""
    before = {identity.settings_id(result["config"]): result for result in found if result["status"] == "finished"}
    earlier = [(job, before.get(identity.settings_id(job.config.model_dump()))) for job in jobs]
    whys = Counter(identity.changed(was.get("origin"), job.origin, told) for job, was in earlier if was)
    for why, runs in whys.items():
        are = "is" if runs == 1 else "are"
        command.console.line_of_text(f"{count(runs, 'run')} {are} trained anew: {line(why)}")
    if whys:
        command.console.line_of_text("the results of before stay in the folder, and are left out of the table")


def _again(rerun: str, status: str) -> bool:
    """Whether a run with a result is done again. One that diverged would do so again, to the same bits."""
    return rerun == "all" or (rerun == "failed" and status == "failed")
