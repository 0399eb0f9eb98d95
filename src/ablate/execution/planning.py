"""Which runs share a stack, and how many processes work on the stacks."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

from ablate.config.schema import Config
from ablate.preprocessing.splits import KEPT
from ablate.training.numerics import device
from ablate.training.stackable import Size, signature, size
from ablate.utils import memory
from ablate.utils.text import count

CACHED = 150_000  # parameters of a stack that, with gradients and moments, stay in a core's cache
FEWEST, MOST = 4, 64  # runs in a stack: below, Python's share is large; above, nothing is gained
SHARE = 0.5  # of the free memory, for all stacks that are trained at the same time
WORTH = 5e9  # multiplications from which another process pays for its start, about 0.2 s


@dataclass(frozen=True)
class Plan:
    """stacks: lists of places among the configs; workers: processes that train them.

    here: the only worker may as well be this process: there is one run, or its threads or its GPU are needed.
    """

    stacks: list[list[int]]
    workers: int
    alone: str | None = None  # why some stacks are trained one run after the other
    resumed: int = 0  # how many runs go on from a checkpoint
    here: bool = False

    def __str__(self) -> str:
        runs, sizes = sum(map(len, self.stacks)), [len(stack) for stack in self.stacks]
        many = f" of {sizes[0]}" if len(set(sizes)) == 1 else f" of {min(sizes)} to {max(sizes)}"
        alone = f" (one after the other: {self.alone})" if self.alone else ""
        resumed = f", {self.resumed} from a checkpoint" if self.resumed else ""
        stacks = f"{count(len(sizes), 'stack')}{many}"
        return f"{count(runs, 'run')} in {stacks}, {count(self.workers, 'worker')}{alone}{resumed}"


def plan(configs: Sequence[Config], done: Sequence[int] = ()) -> Plan:
    """Stack runs of the same signature, and cut the stacks so that all cores work and memory suffices.

    done: the epochs that each run has behind it; those of a stack have as many.
    """
    groups = defaultdict(list)
    for i, config in enumerate(configs):
        groups[signature(config), done[i] if done else 0].append(i)
    wanted = configs[0].stack
    stacks: list[list[int]] = []
    sizes = {key: size(configs[group[0]]) for key, group in groups.items()}
    work = sum(sizes[key].epoch * configs[i].trainer.epochs for key, group in groups.items() for i in group)
    streamed = any(size.streamed for size in sizes.values())  # by processes of their own, which a worker can't have
    workers = wanted.workers or (1 if streamed else _workers(configs, work))
    for key, group in groups.items():
        splits = len({configs[i].split_seed for i in group})
        fits = _fitting(sizes[key], len(group), splits, int(SHARE * memory.free() / workers))
        most = min(fits, wanted.size or min(MOST, max(FEWEST, CACHED // sizes[key].parameters)))
        share = len(group) / sum(map(len, groups.values()))
        pieces = max(-(-len(group) // most), min(len(group), round(workers * share)))
        # Every piece gets every so-many-eth run, so that dear arms and cheap ones are spread evenly; but runs of one
        # split stay together, so that it is made once, for one stack.
        dealt = [group[i::pieces] for i in range(pieces)]
        in_order = sorted(chain.from_iterable(dealt), key=lambda i: configs[i].split_seed)
        stacks += [in_order[begin:end] for begin, end in pairwise(accumulate(map(len, dealt), initial=0))]
    epochs = {i: sizes[key].epoch for key, group in groups.items() for i in group}
    stacks.sort(key=lambda stack: -len(stack) * epochs[stack[0]])
    alone = next((s.alone for s in sizes.values() if s.alone), None)
    workers = min(workers, len(stacks))
    # A worker, forked from a process with threads, has but one; a GPU that is in use here can't be used there.
    here = len(configs) == 1 or device(configs[0]).type != "cpu" or any(s.threads > 1 for s in sizes.values())
    here = here or streamed
    return Plan(stacks, workers, alone, sum(map(bool, done)), here and workers == 1)


def _fitting(size: Size, runs: int, splits: int, room: int) -> int:
    """How many runs of a group a stack in so many bytes may have. splits: how many there are among the runs."""
    a_run: float = memory.FLOAT * memory.BUFFERS * size.parameters
    if splits > 1:  # one alone is shared with this process
        # Each stands in a stack twice, by itself and in the stack's tensor; of the first and the last, only some of the
        # runs may be in the stack; and those of the stack before are kept.
        a_run += 2 * size.data * splits / runs
        room -= 2 * size.data + min(KEPT, splits * size.data)
    return max(1, int(room / a_run))


def _workers(configs: Sequence[Config], work: int) -> int:
    """A process a core where the work is worth it; one on a GPU, which trains one stack at a time."""
    if device(configs[0]).type != "cpu":
        return 1
    return min(_cores(), len(configs), 1 + int(work / WORTH))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
