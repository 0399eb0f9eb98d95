"""The figures of the test part by which arms can be compared. Light."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ablate.preprocessing.tasks import TASKS
from ablate.utils.errors import one_of

LOSS = "loss/test"
FIRST = tuple(dict.fromkeys(f"{task.metrics[0]}/test" for task in TASKS.values()))  # of each task, where none is asked


def of_tasks(names: Collection[str]) -> tuple[str, ...]:
    """The figures that runs of these tasks have."""
    return (*dict.fromkeys(f"{metric}/test" for name in names for metric in TASKS[name].metrics), LOSS)


METRICS = of_tasks(TASKS)


def of_test(name: str) -> str:
    """`auc` is `auc/test`."""
    return name if "/" in name else f"{name}/test"


def known(name: Any) -> Any:
    """The metric that was typed, by its whole name; None is none.

    Raises:
        ValueError: no task has it.
    """
    if name is None or (isinstance(name, str) and of_test(name) in METRICS):
        return name and of_test(name)
    raise ValueError(one_of(METRICS, of_test(str(name))))
