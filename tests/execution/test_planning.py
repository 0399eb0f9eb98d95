"""Which runs share a stack, and how many processes train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import torch

from ablate.config.schema import Config
from ablate.execution import planning
from ablate.execution.planning import Plan, plan
from ablate.execution.runs import run_all
from ablate.preprocessing import splits
from ablate.records.job import Job
from ablate.training.stack import Stack
from ablate.utils import memory
from helpers import forget_splits


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(planning, "_cores", lambda: 2)


def seeds(config: Config, n: int) -> list[Config]:
    return [config.model_copy(update={"seed": seed}) for seed in range(n)]


def test_runs_that_differ_in_numbers_share_a_stack(configured):
    arms = ["regularizer=l1", "regularizer=dropout", "optimizer.lr=0.1", "early_stopping=patience", "trainer.epochs=9"]
    planned = plan([configured(arm, f"seed={i}", "stack.workers=1") for i, arm in enumerate(arms)])
    assert planned == Plan([[0, 1, 2, 3, 4]], 1)
    assert str(planned) == "5 runs in 1 stack of 5, 1 worker"


@pytest.mark.parametrize(
    "other", ["dataset=noise", "model.hidden=[8]", "optimizer=sgd", "trainer.batch_size=16", "dataset.scaling=unit"]
)
def test_runs_that_differ_in_shape_do_not(configured, other):
    planned = plan([configured("stack.workers=1"), configured(other), configured("seed=1")])
    assert sorted(planned.stacks) == [[0, 2], [1]]


@pytest.mark.parametrize(("cores", "units", "here"), [(2, 1000, True), (1, 1000, False), (2, 64, False)])
def test_what_threads_pay_for_is_trained_where_they_are(configured, monkeypatch, cores, units, here):
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    planned = plan(seeds(configured("stack.workers=1", f"model.hidden=[{units},{units}]"), 2))
    assert (planned.workers, planned.here) == (1, here)


def test_stacks_are_cut_for_the_workers_and_every_run_is_in_one(configured):
    planned = plan(seeds(configured(), 70))
    assert planned.workers == 2
    assert sorted(run for stack in planned.stacks for run in stack) == list(range(70))
    assert max(map(len, planned.stacks)) <= 17
    assert str(planned) == "70 runs in 5 stacks of 14, 2 workers"


def test_size_and_workers_can_be_set(configured):
    planned = plan(seeds(configured("stack.size=3", "stack.workers=1"), 8))
    assert sorted(map(len, planned.stacks)) == [2, 3, 3] and planned.workers == 1


def test_stacks_are_cut_to_fit_the_memory(configured, monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 2 * 9_000 * 4 * memory.BUFFERS * 5)
    planned = plan(seeds(configured("stack.workers=1", "stack.size=50"), 20))
    assert max(map(len, planned.stacks)) == 5


def test_a_single_small_run_gets_no_worker_of_its_own(configured):
    assert plan([configured()]) == Plan([[0]], 1, here=True)


def test_the_plan_says_why_runs_train_one_after_the_other(configured):
    said = str(plan([configured("model=lenet", f"seed={i}") for i in range(2)]))
    assert "one after the other: vmap rounds Sequential differently in company" in said


def with_splits(configured: Callable[..., Config], *words: str, splits: int = 40) -> list[Config]:
    arms = ["regularizer=none", "regularizer=l1", "regularizer=l2"]
    return [c for arm in arms for c in seeds(configured("dataset.split_seed=null", arm, *words), splits)]


def test_runs_of_one_split_stay_together(configured):
    configs = with_splits(configured, "stack.workers=2", "stack.size=10")
    planned = plan(configs)
    assert sorted(run for stack in planned.stacks for run in stack) == list(range(120))
    assert {len(stack) for stack in planned.stacks} == {10}
    of_split = Counter(seed for stack in planned.stacks for seed in {configs[i].seed for i in stack})
    assert sum(of_split.values()) <= 40 + len(planned.stacks) - 1  # where a stack is cut, a split may be in two
    fixed = [c.model_copy(update={"dataset": c.dataset.model_copy(update={"split_seed": c.seed})}) for c in configs]
    assert plan(fixed).stacks == planned.stacks


def test_samples_of_several_splits_take_memory(configured, monkeypatch):
    monkeypatch.setattr(planning, "KEPT", 0)
    size = planning.size(configured())
    weights = 4 * memory.BUFFERS * size.parameters
    # Of 3 runs of a split, a stack of n has n / 3 splits, in two copies, and one more where it is cut.
    monkeypatch.setattr(memory, "free", lambda: int(2 * (12 * weights + (4 + 1) * 2 * size.data)) + 1000)
    configs = with_splits(configured, "stack.workers=1", "stack.size=100", splits=32)
    assert {len(stack) for stack in plan(configs).stacks} == {12}
    one = configured().dataset
    alone = [config.model_copy(update={"dataset": one}) for config in configs]
    assert max(len(stack) for stack in plan(alone).stacks) > 12
    monkeypatch.setattr(planning, "KEPT", 10**9)  # those of earlier stacks are there too
    assert max(len(stack) for stack in plan(configs).stacks) == 1


@pytest.mark.parametrize("kept", [2**28, 3 * 1797 * 264])
def test_a_sweep_over_40_splits_makes_each_once_to_check_it_and_once_to_train(configured, monkeypatch, tmp_path, kept):
    """Once in all where they are kept. Not more with more arms; and what stands in memory is what was planned for."""
    forget_splits()
    made, most = Counter(), 0
    make, batches = splits._split, Stack.train_epoch

    def counted(asked, *of):
        made[asked.config.split_seed] += 1
        return make(asked, *of)

    def watched(stack, epoch):
        nonlocal most
        most = max(most, len(splits._used))
        # Pictures of a run's mistakes ask for its split once more, at the end.
        assert {config.split_seed for config in stack.configs} <= {key.config.split_seed for key, *_ in splits._used}
        batches(stack, epoch)

    monkeypatch.setattr(splits, "KEPT", kept)
    monkeypatch.setattr(splits, "_split", counted)
    monkeypatch.setattr(Stack, "train_epoch", watched)
    words = ("trainer.epochs=1", "model.hidden=[2]", "stack.workers=1", "stack.size=12", "logging.tensorboard=false")
    jobs = [Job(config, tmp_path / f"{i}") for i, config in enumerate(with_splits(configured, *words))]
    assert all(job.run_id for job in jobs)  # as a sweep is checked
    assert len(dict(run_all(jobs))) == 120
    if kept == 2**28:
        assert made == dict.fromkeys(range(40), 1)
    else:
        assert set(made) == set(range(40)) and sum(made.values()) <= 2 * 40 + 10 and most <= 3 + 4 + 1
    forget_splits()
