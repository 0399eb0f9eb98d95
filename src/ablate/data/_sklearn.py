"""The tables that ship with scikit-learn, with names of columns and classes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from ablate.data import Source
from ablate.options.schema import TableConfig


def load(config: TableConfig, loader: str, target: str, task: str = "auto", **arguments: Any) -> Source:
    """loader: of sklearn.datasets; target: what the column of its target is called here, and its task."""
    from ablate.data._frames import source_of

    found = source_of(_frame(loader, target, **arguments), config)
    return replace(found, task=task) if config.target == target else found


@cache
def _frame(loader: str, target: str, **arguments: Any) -> Any:
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, loader)(as_frame=True, **arguments)
    frame = bunch.frame.rename(columns={"target": target})
    if "target_names" in bunch:
        frame[target] = bunch.target_names[frame[target]].astype(object)
    return frame
