"""`python -m ablate`: one run, or with -m a sweep that ends in its table."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ablate import config
from ablate.callbacks import Prepare, Refused
from ablate.errors import ConfigError, RunFailed, explain_hydra, one_line
from ablate.files import short
from ablate.jobs import Job
from ablate.results import RESULT

log = logging.getLogger("ablate")

FINISHED, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def task(composed: DictConfig) -> float:
    """One Hydra job: train a run, record it; its validation loss, for sweepers that search.

    Raises:
        ConfigError: the config is wrong. RunFailed: the run diverged or raised; its result.json says how.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from ablate.progress import RunDisplay, consoles, summary
    from ablate.runs import run_all

    checked = config.check(composed)
    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    out, _ = consoles()
    alone = settings.mode == RunMode.RUN
    with RunDisplay(checked, out, quiet=not alone) as display:
        ((_, result),) = run_all([Job(checked, folder)], on_rows=display)
    if alone:
        summary(result, short(folder), out)
    return _outcome(result)


def _outcome(result: dict[str, Any]) -> float:
    if result["status"] != "finished":
        raise RunFailed(f"{result['arm']} seed {result['seed']}: {result['status']}: {result['error']}")
    return float(result["metrics"]["loss/val"])


def check(composed: DictConfig) -> config.Config:
    """A job's config, checked as far as one can without training: its keys, whether data and model are to be had."""
    checked = config.check(composed)
    from ablate import models
    from ablate.splits import split

    data = split(checked)
    models.fits(checked.model, data.shape, data.outputs)
    return checked


def together(
    checked: Sequence[tuple[DictConfig, config.Config]],
) -> Iterator[tuple[int, Callable[[DictConfig], float]]]:
    """What the stacked launcher asks of a task: train all jobs, yield what came of each (see its docstring)."""
    from ablate.progress import SweepDisplay, consoles
    from ablate.runs import run_all

    gc.freeze()  # what is imported stays: neither collections nor workers need to touch it
    jobs = []
    for composed, own in checked:
        folder = Path(str(OmegaConf.select(composed, "hydra.sweep.dir")), str(composed.hydra.sweep.subdir))
        jobs.append(Job(own, folder.absolute()))
    _check_folders(jobs)
    for line in dict.fromkeys(line for job in jobs for line in config.advice(job.config)):
        print(f"warning: {line}", file=sys.stderr)
    with SweepDisplay([job.config for job in jobs], consoles()[0]) as display:
        for place, result in run_all(jobs, on_plan=display.plan, on_rows=display.rows):
            display.result(place, result)
            yield place, partial(_replay, result, display.lines(place))


def _check_folders(jobs: Sequence[Job]) -> None:
    """Refuse a sweep of which two runs would write to the same folder."""
    taken: dict[Path, Job] = {}
    for job in jobs:
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
task.together = together  # type: ignore[attr-defined]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status: 0 all runs finished, 1 some failed, 2 the config is wrong."""
    sys.argv = ["ablate", *(sys.argv[1:] if arguments is None else arguments)]
    gc.set_threshold(100_000)  # imports and configs are many objects that stay: looking through them takes long
    Prepare.sweep = None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    conf = str(config.folder().resolve())
    status = _guarded(hydra.main(version_base="1.3", config_path=conf, config_name="config")(task))
    if Prepare.sweep is not None and status != REFUSED and any(Prepare.sweep.rglob(RESULT)):
        from ablate.comparison import conclude

        status = max(status, conclude([Prepare.sweep]))
    return status


def _interrupt(signum: int, frame: Any) -> None:
    """A scheduler's SIGTERM ends us like Ctrl-C: workers go, what is finished is shown."""
    raise KeyboardInterrupt


def _guarded(command: Callable[[], Any]) -> int:
    """Run a command; its exit status, and one line on stderr for whatever went wrong."""
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    wants_traceback = wanted == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing, and we say it in one line
    try:
        command()
        return FINISHED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Refused as refused:
        error: BaseException = refused.error
        if wants_traceback:
            raise error from None
    except Exception as raised:
        if wants_traceback:
            raise
        error = raised
    finally:
        os.environ["HYDRA_FULL_ERROR"] = wanted or "0"
    status, line = _verdict(error)
    print(line, file=sys.stderr)
    return status


def _verdict(error: BaseException) -> tuple[int, str]:
    if isinstance(error, RunFailed):
        return FAILED, f"run failed: {one_line(error)}"
    if isinstance(error, ConfigError):
        return REFUSED, f"error: {one_line(error)}"
    if isinstance(error, OSError) and not hasattr(error, "options") and error.filename:
        return REFUSED, f"error: {error.filename}: can't be written: {error.strerror}"
    if isinstance(error, Exception) and (line := explain_hydra(error, _keys())):
        return REFUSED, f"error: {line}"
    return FAILED, f"error: {one_line(error)} (HYDRA_FULL_ERROR=1 shows where)"


def _keys() -> list[str]:
    """Every key of the default config and its options, to suggest one for a misspelt one."""
    keys = set()
    for path in config.folder().glob("**/*.yaml"):
        group = path.parent.relative_to(config.folder()).parts
        if group[:1] in (("hydra",), ("experiment",)):
            continue
        keys |= _flat(OmegaConf.to_container(OmegaConf.load(path)), ".".join(group))
        keys |= set(group)
    return sorted(keys | _flat({"regularizer": config.Regularizer().model_dump()}, ""))


def _flat(node: Any, prefix: str) -> set[str]:
    if not isinstance(node, dict):
        return {prefix}
    parts = ((k, v) for k, v in node.items() if k not in ("defaults", "hydra"))
    found = {leaf for key, value in parts for leaf in _flat(value, f"{prefix}.{key}".lstrip("."))}
    return found | ({prefix} if prefix else set())


def console() -> None:
    """The console script `ablate`."""
    status = main()
    gc.freeze()  # all that is left ends with the process: nothing is gained by looking through it once more
    sys.exit(status)
