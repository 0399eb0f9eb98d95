"""The answers to new samples as a table, and what is to be said of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.prediction.predictor import Answers, Predictor
from ablate.prediction.reading import New, met, truth
from ablate.preprocessing.targets import Target
from ablate.preprocessing.tasks import TASKS
from ablate.training.metrics import figures
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.text import count, shown

if TYPE_CHECKING:
    import pandas as pd

PREDICTION = "prediction"  # the heading of what is predicted


def table(predictor: Predictor, new: New, answers: Answers, keep: bool = False) -> str:
    """A CSV, a row a sample: what tells it apart, what is predicted, and a probability a class or label.

    Numbers have as many digits as read back to the same bits. keep: the columns of the samples' own table, before what
    is predicted.

    Raises:
        ConfigError: there is no such table; its columns have our names.
    """
    headings, columns = [new.heading], [list(new.names)]
    if keep:
        if new.frame is None:
            raise ConfigError("--keep: is for tables, whose columns it keeps")
        headings += [str(name) for name in new.frame.columns]
        columns += [_plain(new.frame[name]) for name in new.frame.columns]
    for heading, column in _answered(predictor, answers):
        headings.append(heading)
        columns.append(column)
    if twice := [heading for i, heading in enumerate(headings) if heading in headings[:i]]:
        raise ConfigError(f"--keep: the table has a column of the name {twice[0]}, which is one of the predictions'")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _answered(predictor: Predictor, answers: Answers) -> Iterator[tuple[str, list[Any]]]:
    target, labels = predictor.target, predictor.labels(answers)
    names = [shown(label) for label in target.labels]
    if labels.ndim == 1:
        yield PREDICTION, [shown(label) if isinstance(label, bool) else label for label in labels.tolist()]
    else:
        for name, column in zip(names, labels.T, strict=True):
            yield f"{PREDICTION} of {name}", column.tolist()
    if target.task != "regression":
        for name, column in zip(names, answers.T, strict=True):
            yield f"p({name})", column.tolist()


def _plain(column: Any) -> list[Any]:
    """A column's values; nothing where one is missing."""
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def summary(predictor: Predictor, new: New, answers: Answers) -> list[str]:
    """Lines about which runs answered, what they met, and how right they are, where the samples' own table tells."""
    results = [run.result for run in predictor.runs]
    seeds = ", ".join(str(result["seed"]) for result in results)
    runs = f"{results[0]['arm']}, seed{'s' * (len(results) > 1)} {seeds}"
    said = [f"{count(len(new.names), 'sample')} predicted by {runs}: {predictor.why}", *new.said]
    if new.frame is not None:
        dataset = results[0]["config"]["dataset"]
        roles = {role: name for role in ("group", "time", "weight") if isinstance(name := dataset.get(role), str)}
        said += met(new, predictor.runs[0].prepared, [*roles.values()])
        said += filter(None, [_checked(predictor, new.frame, answers, roles.get("weight"))])
    return said


def _checked(predictor: Predictor, frame: pd.DataFrame, answers: Answers, weight: str | None) -> str | None:
    """How right the answers are, where the samples' own table says what is right; None where it doesn't.

    weight: the column of the samples' weights, where the run had one.
    """
    target = predictor.target
    try:
        if (y := truth(frame, target)) is None:
            return None
        known = np.array([not _is_missing(value) for value in y])
        if not known.any():
            return None
        weights = frame[weight].to_numpy(dtype=np.float64)[known] if weight in frame else None
        found = figures(target, target.answers(y[known]), answers[known], TASKS[target.task].metrics, weights)
    except (ConfigError, ValueError, TypeError) as error:
        return f"its column {_called(target)} is not compared: {one_line(error)}"
    said = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
    of = "" if known.all() else f" of the {count(int(known.sum()), 'row')} that have it"
    return f"held against its column {_called(target)}{of}: {said}"


def _called(target: Target) -> str:
    return target.name or ", ".join(map(shown, target.labels))


def _is_missing(value: Any) -> bool:
    return bool(np.any([each is None or each != each for each in np.atleast_1d(value)]))
