"""Which runs share a stack, and how many processes train."""

from __future__ import annotations

import pytest

from ablate.config.schema import Config
from ablate.execution import planning
from ablate.execution.planning import Plan, plan
from ablate.utils import memory


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
    assert plan([configured()]) == Plan([[0]], 1)


def test_the_plan_says_why_runs_train_one_after_the_other(configured):
    said = str(plan([configured("model=lenet", f"seed={i}") for i in range(2)]))
    assert "one after the other: vmap rounds Sequential differently in company" in said
