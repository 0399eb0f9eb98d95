"""`python -m ablate`: one run, or with -m a sweep that ends in its table."""

from __future__ import annotations

import errno
import gc
import logging
import os
import platform
import shlex
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TextIO, cast

import hydra
import yaml
from filelock import FileLock, Timeout
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Sweep
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ablate import __version__, config, results, studies, trust
from ablate.callbacks import Prepare, Refused
from ablate.composing import override
from ablate.console import INTERRUPTED, Console, complain, leave
from ablate.errors import ConfigError, RunFailed, cut, explain_hydra, one_line, one_of, refuse
from ablate.errors import line as as_line
from ablate.files import count, first_missing, short, tidy
from ablate.jobs import Job
from ablate.results import HISTORY, RESULT

log = logging.getLogger("ablate")

FINISHED, FAILED, REFUSED = 0, 1, 2
PATIENCE = 3.0  # seconds to wait for a folder in which another process is at work


def task(composed: DictConfig) -> float:
    """One Hydra job: train a run, record it; its validation loss, for sweepers that search.

    Raises:
        ConfigError: the config is wrong. RunFailed: the run diverged or raised; its result.json says how.
    """
    from hydra.core.hydra_config import HydraConfig

    from ablate.progress import RunDisplay, summary
    from ablate.runs import run_all

    checked = config.check(composed)
    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    out, alone = Console(), settings.mode == RunMode.RUN
    Prepare.training = True
    with RunDisplay(checked, out, quiet=not alone) as display:
        ((_, result),) = run_all([Job(checked, folder, _command(settings))], on_rows=display)
    if alone:
        summary(result, folder, out)
    return _outcome(result)


def _command(hydra_config: Any) -> str:
    """What one types to do a job alone, and, in a sweep, what was typed for all."""
    sources = [f"--config-dir={s.path}" for s in hydra_config.runtime.config_sources if s.provider == "command-line"]
    lines = [[*sources, *hydra_config.overrides.task]]
    if hydra_config.mode == RunMode.MULTIRUN:
        lines.append(sys.argv[1:])
    return "\n".join(f"python -m ablate {shlex.join(line)}".rstrip() for line in lines)


def _outcome(result: dict[str, Any]) -> float:
    if result["status"] != "finished":
        raise RunFailed(f"{result['arm']} seed {result['seed']}: {result['status']}: {result['error']}")
    return float(result["metrics"]["loss/val"])


def check(composed: DictConfig) -> config.Config:
    """A job's config, checked as far as one can without training: its keys, whether data and model are to be had."""
    checked = config.check(composed)
    from ablate import models, regularizers
    from ablate.splits import split

    data = split(checked)
    models.fits(checked.model, data.shape, data.outputs)
    for name, strength in checked.strengths.items():
        if strength:
            regularizers.fits(name)
    return checked


def prepare(
    master: DictConfig,
    jobs: Sequence[tuple[str | None, list[str]]],
    composed: Callable[[Sequence[str]], tuple[DictConfig, config.Config]],
) -> list[list[str]]:
    """What is left to do of a sweep's jobs: each run once, and none that its folder holds already.

    Keeps in the folder what was asked for, and the reason of every job that can't be trained.

    Raises:
        ConfigError: the first job's reason, where none can be trained; another process works in the folder.
    """
    folder = Path(master.hydra.sweep.dir)
    wrong: dict[int, Exception] = {}
    checked: dict[int, tuple[DictConfig, Job]] = {}
    for i, (_, overrides) in enumerate(jobs):
        try:
            resolved, own = composed(overrides)
            checked[i] = resolved, Job(own, folder)
        except Exception as error:
            wrong[i] = error
    if wrong and not checked:
        raise wrong[0]
    hold(folder)
    tidy(folder)
    found, damaged = results.read([folder])
    for complaint in damaged:
        complain(f"warning: {complaint}")
    found.sort(key=lambda result: result["status"] == "finished")  # of two results of a run, this one counts
    there = {result["run_id"]: result for result in found}
    taken = {results.home(result) for result in found}
    shared = set.intersection(*(set(overrides) for _, overrides in jobs))
    asked: list[studies.Asked] = []
    left: dict[str, list[str]] = {}
    todo: dict[str, Job] = {}
    for i, (arm, overrides) in enumerate(jobs):
        if i in wrong:
            asked.append(studies.refused(arm, overrides, shared, _verdict(wrong[i], overrides)[1]))
            continue
        resolved, job = checked[i]
        asked.append(studies.Asked(job.run_id, arm, job.config.seed))
        earlier, subdir = there.get(job.run_id), os.path.normpath(str(resolved.hydra.sweep.subdir))
        if earlier and not _again(job.config.rerun, earlier["status"]):
            continue
        place = os.path.relpath(results.home(earlier), folder.resolve()) if earlier else subdir
        if not earlier:
            place = _free(folder, subdir, job, taken)  # the run of other settings that is there stays
        moved = [override("hydra.sweep.subdir", place)] if place != subdir else []
        left.setdefault(job.run_id, [*overrides, *moved])
        todo.setdefault(job.run_id, Job(job.config, (folder / place).absolute()))
    _check_folders(list(todo.values()))
    name, study = master.hydra.runtime.choices.get("study"), studies.study(master)
    baseline, metric = (study.baseline, study.metric) if study else (None, None)
    looks = studies.looks(folder, asked, there)
    studies.Sweep(sys.argv[1:], name, baseline, metric, asked, looks).write(folder)
    refused = {run.run_id for run in asked if run.error is not None}
    runs = {run.run_id for run in asked}
    Prepare.reused = runs - refused - set(left)
    if len(asked) > len(runs):
        print(f"{count(len(asked), 'job')}, {count(len(runs), 'different run')}")
    if Prepare.reused or refused:
        hopeless = f", {len(refused)} can't be trained" if refused else ""
        print(f"{count(len(runs), 'run')}: {len(Prepare.reused)} reused, {len(left)} to do{hopeless}")
    return list(left.values())


def _free(folder: Path, subdir: str, job: Job, taken: set[str]) -> str:
    """Where below a sweep's folder a run is put: in its place, or beside the run of other settings that has it.

    Raises:
        ConfigError: its place is not below the sweep's folder.
    """
    parent, name = os.path.split(subdir)
    if Path(subdir).is_absolute() or name in ("", os.curdir, os.pardir) or parent.startswith(os.pardir):
        raise refuse("hydra.sweep.subdir", subdir, "must be a folder below the sweep's")
    others = [os.path.join(f"{parent}-{job.arm_id}", name)] if parent else []  # noqa: PTH118 - a relative one
    for place in (subdir, *others, f"{subdir}-{job.run_id}"):
        if (at := str((folder / place).resolve())) not in taken:
            taken.add(at)
            return place
    return subdir  # of a run that was asked for twice


def hold(folder: Path) -> None:
    """Keep other processes out of a folder until this command has ended.

    Raises:
        ConfigError: another one is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        # Workers of a process that was just killed hold its lock for a moment longer.
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        said = "another process is at work there; wait for it, or choose another folder"
        raise ConfigError(f"{short(folder)}: {said}") from None
    Prepare.locks.append(lock)


def _again(rerun: str, status: str) -> bool:
    """Whether a run with a result is done again. One that diverged would do so again, to the same bits."""
    return rerun == "all" or (rerun == "failed" and status == "failed")


def together(
    checked: Sequence[tuple[DictConfig, config.Config]],
) -> Iterator[tuple[int, Callable[[DictConfig], float]]]:
    """What the stacked launcher asks of a task: train all jobs, yield what came of each (see its docstring)."""
    from ablate.progress import SweepDisplay
    from ablate.runs import run_all

    gc.freeze()  # what is imported stays: neither collections nor workers need to touch it
    jobs = []
    for composed, own in checked:
        folder = Path(str(OmegaConf.select(composed, "hydra.sweep.dir")), str(composed.hydra.sweep.subdir))
        jobs.append(Job(own, folder.absolute(), _command(composed.hydra)))
    if not jobs:
        raise ConfigError("this sweep has no runs")
    _check_folders(jobs)
    Prepare.training = True
    for line in dict.fromkeys(line for job in jobs for line in config.advice(job.config)):
        complain(f"warning: {line}")
    with SweepDisplay([job.config for job in jobs], Console()) as display:
        for place, result in run_all(jobs, on_plan=display.plan, on_rows=display.rows):
            display.result(place, result)
            yield place, partial(_replay, result, display.lines(place))


def _check_folders(jobs: Sequence[Job]) -> None:
    """Refuse a sweep of which two runs would write to the same folder, or one to none."""
    taken: dict[Path, Job] = {}
    for job in jobs:
        first_missing(job.folder)
        other = taken.setdefault(Path(os.path.normpath(job.folder)), job)
        if other is not job:
            both = " and ".join(f"{config.arm(j.config)} seed {j.config.seed}" for j in (other, job))
            raise ConfigError(f"hydra.sweep.subdir: {both} would share the folder {short(job.folder)}")


def _replay(result: dict[str, Any], lines: list[str], _: DictConfig) -> float:
    """The task of a job that has been done: its log, then its outcome."""
    for line in lines:
        log.info(line)
    return _outcome(result)


task.check = check  # type: ignore[attr-defined]
task.prepare = prepare  # type: ignore[attr-defined]
task.together = together  # type: ignore[attr-defined]


class Ended(NamedTuple):
    """How a command ended: its exit status, a line for whatever went wrong, and the folder it wrote to."""

    status: int
    line: str | None
    folder: Path | None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status: 0 all runs finished, 1 some failed, 2 the config is wrong.

    Raises:
        BrokenPipeError: nobody reads any more what it says.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["tensorboard"]:
        from ablate import tensorboard

        return tensorboard.main(arguments[1:])
    if "--version" in arguments:
        Console().line_of_text(_version())
        return FINISHED
    gc.set_threshold(100_000)  # imports and configs are many objects that stay: looking through them takes long
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        ended = perform(arguments)
    if ended.line and not any(argument.startswith("query=") for argument in arguments):
        complain(ended.line)  # a shell that asks for completions is left alone
    if not Prepare.sweep or ended.status == REFUSED or ended.folder is None:
        return ended.status
    if not any(ended.folder.rglob(RESULT)):
        if ended.status == FINISHED:
            complain("error: this sweep has no runs")
        return ended.status or REFUSED
    from ablate.conclusion import conclude

    Console().print()
    return max(ended.status, conclude([ended.folder], reused=Prepare.reused))


def with_study(arguments: Sequence[str], name: str) -> list[str]:
    """These arguments and `study=name`, beside the other overrides: Hydra wants them in one place."""
    first = next((i for i, a in enumerate(arguments) if "=" in a and not a.startswith("-")), len(arguments))
    return [*arguments[:first], f"study={name}", *arguments[first:]]


def perform(arguments: Sequence[str]) -> Ended:
    """Have Hydra carry out a command; whatever it raises is in the answer, but for a BrokenPipeError."""
    given, sys.argv = sys.argv, ["ablate", *arguments]
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing, and we say it in one line
    Prepare.forget()
    error: BaseException | None = None
    try:
        trust.look_through(arguments)
        conf = str(config.folder().resolve())
        with redirect_stderr(cast(TextIO, _Errors(sys.stderr))):
            hydra.main(version_base="1.3", config_path=conf, config_name="config")(task)()
    except SystemExit as raised:  # argparse, which has said what is wrong
        return Ended(REFUSED if raised.code else FINISHED, None, None)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt, Refused) as raised:
        error = raised.error if isinstance(raised, Refused) else raised
        if wanted == "1" and not isinstance(raised, KeyboardInterrupt):
            raise error from None
    finally:
        os.environ["HYDRA_FULL_ERROR"] = wanted or "0"
        sys.argv = given
        while Prepare.locks:
            Prepare.locks.pop().release()
    status, line = (FINISHED, None) if error is None else _verdict(error, arguments)
    if status == REFUSED and not Prepare.training:
        _leave_nothing(Prepare.folder, Prepare.made)
    return Ended(status, line, Prepare.folder)


class _Errors:
    """Standard error without what Hydra says of a failed job, before we say it in one line."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return len(text) if text.startswith("Error executing job") else self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _leave_nothing(folder: Path | None, made: Path | None) -> None:
    """Take away Hydra's files of a run that never was, and the folders from `made` on that were made for them."""
    if folder is None or made is None or any(path.name in (RESULT, HISTORY) for path in folder.rglob("*")):
        return  # nothing was made, or another command has begun to work there
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # others have theirs there
        for parent in folder.parents:
            if parent.is_relative_to(made):
                parent.rmdir()


def _version() -> str:
    others = {"PyTorch": "torch", "Hydra": "hydra-core", "TensorBoard": "tensorboard"}
    said = [f"Python {platform.python_version()}", *(f"{name} {version(other)}" for name, other in others.items())]
    return f"ablate {__version__} ({', '.join(said)})"


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as one line, without the place in the code."""
    complain(f"warning: {as_line(message)}")


def _interrupt(signum: int, frame: Any) -> None:
    """A scheduler's SIGTERM ends us like Ctrl-C: workers go, what is finished is shown."""
    raise KeyboardInterrupt


def _verdict(error: BaseException, arguments: Sequence[str]) -> tuple[int, str]:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted"
    if isinstance(error, RunFailed):
        return FAILED, f"run failed: {one_line(error)}"
    if isinstance(error, ConfigError):
        return REFUSED, f"error: {one_line(error)}"
    if isinstance(error, OSError) and not hasattr(error, "options") and error.errno:
        status = FAILED if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else REFUSED
        return status, as_line(f"error: {error.filename or 'files'}: can't be written: {error.strerror}")
    if isinstance(error, Exception) and (line := explain_hydra(error, _keys())):
        return REFUSED, as_line(f"error: {line}")
    if line := _no_option(arguments):
        return REFUSED, as_line(f"error: {line}")
    where = "(HYDRA_FULL_ERROR=1 shows where)"
    if Prepare.training:
        return FAILED, f"error: {one_line(error)} {where}"
    return REFUSED, as_line(f"error: {cut(' '.join(arguments))}: can't be carried out: {one_line(error)} {where}")


def _no_option(arguments: Sequence[str]) -> str | None:
    """The first choice of an option by something else than a name, of which Hydra only says that there is one."""
    with suppress(HydraException):
        for override in OverridesParser.create().parse_overrides([a for a in arguments if not a.startswith("-")]):
            group, value = config.folder() / override.key_or_group, override.value()
            if group.is_dir() and not isinstance(value, str | list | Sweep):
                return str(refuse(override.key_or_group, value, one_of(path.stem for path in group.glob("*.yaml"))))
    return None


@cache
def _keys() -> list[str]:
    """Every key of the default config and its options, to suggest one for a misspelt one."""
    keys = set()
    for path in config.folder().glob("**/*.yaml"):
        group = path.parent.relative_to(config.folder()).parts
        if group[:1] in (("hydra",), ("experiment",)):
            continue
        with suppress(OSError, ValueError, yaml.YAMLError):  # one that can't be read has no keys to suggest
            keys |= _flat(OmegaConf.to_container(OmegaConf.load(path)), ".".join(group))
        keys |= set(group)
    return sorted(keys | _flat({"regularizer": config.UNREGULARIZED}, ""))


def _flat(node: Any, prefix: str) -> set[str]:
    if not isinstance(node, dict):
        return {prefix}
    parts = ((k, v) for k, v in node.items() if k not in ("defaults", "hydra"))
    found = {leaf for key, value in parts for leaf in _flat(value, f"{prefix}.{key}".lstrip("."))}
    return found | ({prefix} if prefix else set())


def console() -> NoReturn:
    """The console script `ablate`."""
    leave(main)
