"""From jobs to results: plans the stacks, has them trained, tries again in smaller ones what died."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from ablate.execution.planning import Plan, plan
from ablate.execution.stack_run import Result, failed
from ablate.execution.workers import train_stacks
from ablate.records import checkpoints
from ablate.records.job import Job
from ablate.training.engine import Row
from ablate.utils import interrupts
from ablate.utils.errors import one_line


def run_all(
    jobs: Sequence[Job],
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_rows: Callable[[list[tuple[int, Row]]], None] = lambda rows: None,
) -> Iterator[tuple[int, Result]]:
    """Train any jobs, in as few stacks as will do; yield a job's place and its result when it ends.

    A stack that dies as a whole is cut and tried again, down to single runs: a run's figures don't depend on its
    company. After workers were killed, for want of memory it seems, half as many go on with what they left. As anybody
    may kill one, a run only fails where that happens twice, the second time while no other is trained.

    on_rows: is given every epoch of every stack, as the places of its jobs and their rows.
    """
    for job in jobs:
        _ = job.run_id  # of the code that is loaded now, and not of what is in its place when the run ends
    planned = plan([job.config for job in jobs], [checkpoints.epoch(job) for job in jobs])
    on_plan(planned)
    ended = set()
    stacks, workers = planned.stacks, planned.workers
    killed: Counter[int] = Counter()  # how often the worker of a run was killed that had no other
    while stacks:
        smaller: list[list[int]] = []
        too_many = False
        for kind, content in train_stacks(jobs, stacks, workers, planned.here):
            if kind == "rows":
                on_rows(content)
            elif kind == "result":
                ended.add(content[0])
                yield content
            elif kind == "anew":
                stack, place, why = content
                try:
                    checkpoints.reject(jobs[place], why)
                except OSError as error:  # it would be met again and again
                    ended.add(place)
                    yield place, failed(jobs[place], one_line(error), error)
                smaller += _by_epoch(jobs, [place for place in stack if place not in ended])
            else:
                stack, reason = content
                too_many |= kind == "killed"
                left = [place for place in stack if place not in ended]
                if len(left) > 1:
                    smaller += _apart(jobs, left)
                elif left and kind == "killed" and (workers > 1 or not killed[left[0]]):
                    killed[left[0]] += 1
                    smaller.append(left)
                elif left:
                    yield left[0], failed(jobs[left[0]], reason)
            interrupts.check()
        stacks = smaller
        workers = max(1, workers // 2) if too_many else workers


def _apart(jobs: Sequence[Job], stack: list[int]) -> list[list[int]]:
    """A stack that died, as smaller ones: by epochs where these have become different, else in halves."""
    by_epoch = _by_epoch(jobs, stack)
    return by_epoch if len(by_epoch) > 1 else [stack[0::2], stack[1::2]]


def _by_epoch(jobs: Sequence[Job], stack: list[int]) -> list[list[int]]:
    """A stack as such ones whose runs can go on from the same epoch."""
    by_epoch: dict[int, list[int]] = defaultdict(list)
    for place in stack:
        by_epoch[checkpoints.epoch(jobs[place])].append(place)
    return list(by_epoch.values())
