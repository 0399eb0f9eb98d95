"""From jobs to results: plans the stacks, has them trained, records every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ablate.engine import Row, train
from ablate.errors import ConfigError
from ablate.jobs import Job
from ablate.planning import Plan, plan
from ablate.recorder import Recorder, lost
from ablate.workers import train_stacks

Result = dict[str, Any]


def run(jobs: Sequence[Job]) -> Iterator[list[Row] | tuple[int, Result]]:
    """Train and record jobs of one `stacking.signature`; yield every epoch's rows, and a job's result at its end.

    What training raises is the result (`failed`) of every job that had not ended.

    Raises:
        ConfigError: the dataset can't be had. Nothing is written then.
    """
    recorders: list[Recorder] = []
    ended = set()
    try:
        for rows in train([job.config for job in jobs]):
            recorders = recorders or [Recorder(job) for job in jobs]
            yield rows
            for row in rows:
                result = recorders[row.run].take(row)
                if result is not None:
                    ended.add(row.run)
                    yield row.run, result
    except ConfigError:
        raise
    except Exception as error:
        recorders = recorders or [Recorder(job) for job in jobs]
        for place, recorder in enumerate(recorders):
            if place not in ended:
                yield place, recorder.fail(error)


def run_all(
    jobs: Sequence[Job],
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_rows: Callable[[list[tuple[int, Row]]], None] = lambda rows: None,
) -> Iterator[tuple[int, Result]]:
    """Train any jobs, in as few stacks as will do; yield a job's place and its result when it ends.

    on_rows: is given every epoch of every stack, as the places of its jobs and their rows.
    """
    planned = plan([job.config for job in jobs])
    on_plan(planned)
    ended = set()
    for kind, content in train_stacks(jobs, planned.stacks, planned.workers):
        if kind == "rows":
            on_rows(content)
        elif kind == "result":
            ended.add(content[0])
            yield content
        else:
            stack, reason = content
            for place in stack:
                if place not in ended:
                    yield place, lost(jobs[place], reason)
