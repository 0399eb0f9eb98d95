"""From jobs to results: plans the stacks, has them trained, records every run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ablate import checkpoints
from ablate.engine import Row, train
from ablate.errors import ConfigError, one_line
from ablate.jobs import Job
from ablate.planning import Plan, plan
from ablate.recorder import Recorder, lost
from ablate.workers import train_stacks

Result = dict[str, Any]


@dataclass
class Broken:
    """Training raised, and it may have been any one of several runs' doing."""

    reason: str


def run(jobs: Sequence[Job]) -> Iterator[list[Row] | tuple[int, Result] | Broken]:
    """Train and record jobs of one `stacking.signature`; yield every epoch's rows, and a job's result at its end.

    Jobs with a checkpoint, all of one epoch, go on from there. What training raises is the result (`failed`) of
    the job that had not ended, where there is but one; else all that is left is `Broken`. What recording raises is
    the result of that run alone.

    Raises:
        ConfigError: the dataset can't be had. Nothing is written then.
    """
    recorders: dict[int, Recorder] = {}
    left = set(range(len(jobs)))
    saved = [checkpoints.load(job) for job in jobs]
    try:
        for rows in train([job.config for job in jobs], saved):
            results: dict[int, Result | None] = {}
            for row in rows:
                if row.run not in left:
                    continue
                try:
                    if row.run not in recorders:
                        recorders[row.run] = Recorder(jobs[row.run], resumed=saved[row.run] is not None)
                    results[row.run] = recorders[row.run].take(row)
                except MemoryError:  # the stack's doing, which may be cut
                    raise
                except Exception as error:  # a full disk, say, or samples that no picture can be made of
                    results[row.run] = lost(jobs[row.run], one_line(error), error)
            yield rows
            for place, result in results.items():
                if result is not None:
                    left.discard(place)
                    yield place, result
            if not left:
                return
    except ConfigError:
        raise
    except Exception as error:
        if len(left) > 1:
            yield Broken(one_line(error))
        for place in left if len(left) == 1 else ():
            yield place, lost(jobs[place], one_line(error), error)
    finally:
        for recorder in recorders.values():
            with suppress(OSError):  # what could not be written has been said
                recorder.close()


def run_all(
    jobs: Sequence[Job],
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_rows: Callable[[list[tuple[int, Row]]], None] = lambda rows: None,
) -> Iterator[tuple[int, Result]]:
    """Train any jobs, in as few stacks as will do; yield a job's place and its result when it ends.

    A stack that dies as a whole, for want of memory say, is cut and tried again, down to single runs: a run's
    figures don't depend on its company.

    on_rows: is given every epoch of every stack, as the places of its jobs and their rows.
    """
    planned = plan([job.config for job in jobs], [checkpoints.epoch(job) for job in jobs])
    on_plan(planned)
    ended = set()
    stacks = planned.stacks
    while stacks:
        smaller: list[list[int]] = []
        for kind, content in train_stacks(jobs, stacks, planned.workers):
            if kind == "rows":
                on_rows(content)
            elif kind == "result":
                ended.add(content[0])
                yield content
            else:
                stack, reason = content
                left = [place for place in stack if place not in ended]
                if len(left) == 1:
                    yield left[0], lost(jobs[left[0]], reason)
                elif left:
                    smaller += _apart(jobs, left)
        stacks = smaller


def _apart(jobs: Sequence[Job], stack: list[int]) -> list[list[int]]:
    """A stack that died, as smaller ones: by the epochs that its runs can go on from, where these have become
    different, else in halves."""
    by_epoch: dict[int, list[int]] = defaultdict(list)
    for place in stack:
        by_epoch[checkpoints.epoch(jobs[place])].append(place)
    return list(by_epoch.values()) if len(by_epoch) > 1 else [stack[0::2], stack[1::2]]
