"""What was compared, in words: the data, their parts and classes, the model and how it was trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ablate.analysis.comparison import Comparison
from ablate.analysis.subject import Subject
from ablate.utils.text import listed, strength

NAMED = 3  # different values that are listed; of more, a range is given
CLASSES = 5  # of which every share is told
PARTS = {"train": "to train on", "val": "for validation", "test": "for the test"}


def compared(comparison: Comparison) -> list[str]:
    """Of all data a line about them, and one about what was trained on them, as far as results tell.

    Where runs differ in a figure, all of its values are told or their range: never that of one run.
    """
    runs = comparison.runs[comparison.runs["arm"].isin(comparison.arms["arm"])]
    told: dict[str, list[str]] = {}
    for name, of in runs.groupby("dataset", sort=False):
        if subjects := [each for each in of["subject"] if each.model]:
            told.setdefault(_trained(subjects), []).append(_data(str(name), subjects))
    return [said for training, data in told.items() for said in (*data, training) if said]


def _data(name: str, subjects: Sequence[Subject]) -> str:
    first = subjects[0]
    target = f"target {first.target}" if first.target else ""
    columns = _span((each.columns for each in subjects), _grouped)
    features = _span((each.features for each in subjects), _grouped)
    came = f" (of {columns} columns)" if columns not in ("", features) else ""
    parts = [(words, _span((each.rows.get(part) for each in subjects), _grouped)) for part, words in PARTS.items()]
    rows = listed(f"{rows} {words}" for words, rows in parts if rows) if any(rows for _, rows in parts) else ""
    about = [
        ", ".join(part for part in (first.task, target) if part),
        f"{features} features{came}" if features else "",
        f"rows: {rows}" if rows else "",
        _classes(subjects),
    ]
    return f"{name}: {'; '.join(part for part in about if part)}" if any(about) else ""


def _classes(subjects: Sequence[Subject]) -> str:
    """The classes and their shares of the training part, on average where splits differ."""
    first = subjects[0]
    alike = [each.shares for each in subjects if len(each.shares) == len(first.shares)]
    if not first.classes or not first.shares or len(first.classes) != len(first.shares):
        return f"{len(first.classes)} classes" if first.classes else ""
    shares = [sum(of_class) / len(alike) for of_class in zip(*alike, strict=True)]
    named = dict(zip(first.classes, shares, strict=True))
    if len(named) <= CLASSES:
        return "classes: " + ", ".join(f"{name} ({_percent(share)} %)" for name, share in named.items())
    low, high = min(shares), max(shares)
    most = next(name for name, share in named.items() if share == high)
    spread = f"{_percent(low)} to {_percent(high)} %" if _percent(low) != _percent(high) else f"{_percent(low)} %"
    return f"{len(named)} classes of {spread} each" + f" (most: {most})" * (_percent(low) != _percent(high))


def _trained(subjects: Sequence[Subject]) -> str:
    parameters = _span((each.parameters for each in subjects), _grouped)
    epochs = _span((each.epochs for each in subjects), _grouped)
    early = "up to " * any(each.early for each in subjects)
    rate = _span((each.lr for each in subjects), strength)
    optimizer = _span((each.optimizer or None for each in subjects), str)
    batch = _span((each.batch_size for each in subjects), _grouped)
    about = [
        _span((each.model or None for each in subjects), str),
        f"{parameters} parameters" if parameters else "",
        " ".join([optimizer, *([f"lr {rate}"] if rate else [])]).strip(),
        f"{early}{epochs} {'epoch' if epochs == '1' else 'epochs'}" if epochs else "",
        f"batches of {batch}" if batch else "",
    ]
    return ", ".join(part for part in about if part)


def _span(values: Iterable[Any], written: Callable[[Any], str]) -> str:
    """The different values: one, a few, or of many numbers the least and the most. Empty where there are none."""
    found = list(dict.fromkeys(value for value in values if value is not None))
    if not found:
        return ""
    if isinstance(found[0], str):
        return listed(found)
    found = sorted(found)
    if len(found) > NAMED:
        return f"{written(found[0])} to {written(found[-1])}"
    return " or ".join(dict.fromkeys(map(written, found)))


def _grouped(number: int) -> str:
    return f"{number:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g}" if share >= 0.001 else "<0.1"
