"""What TensorBoard is shown of a whole sweep, beside its runs: the table, its plots, and the means of the arms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.analysis.runs import finished
from ablate.records import results
from ablate.records.names import COMPARISON, EVENTS, HISTORY, OWN_EVENTS
from ablate.report import learning_curves, sections, svg
from ablate.report.looks import looks
from ablate.report.tables import markdown
from ablate.tensorboard import scalars
from ablate.tensorboard.writer import Writer
from ablate.utils.files import filename, is_plain, remove


def write(comparison: Comparison, folder: Path) -> None:
    """Write `comparison`, and `comparison/<arm>` with its means over the seeds, in place of those of before."""
    place = folder / COMPARISON
    # A study may have this name too: what stands beside a history is a run's.
    before = [file for file in place.rglob(OWN_EVENTS) if is_plain(file) and not (file.parent / HISTORY).exists()]
    if any(any(Path(run).glob(EVENTS)) for run in comparison.runs["folder"] if run):
        with svg.as_png():
            plots = list(_plots(comparison))
        with Writer(place) as writer:
            writer.add_text("comparison", markdown(comparison), 0)
            for tag, png in plots:
                writer.add_png(tag, png, 0)
        for arm, runs in finished(comparison.runs).groupby("arm", sort=False):
            if arm in set(comparison.arms["arm"]):
                _write_means(runs, place / _arm_folder(str(arm), runs["folder"].iloc[0], folder))
    for file in before:
        remove(file)
        if file.parent != place:
            with suppress(OSError):  # not empty
                file.parent.rmdir()


def _arm_folder(arm: str, run: str, folder: Path) -> str:
    """The name that its runs' folders have for an arm, `<name>/seed=0`, so that TensorBoard's colours fit."""
    parent = Path(run).parent
    inside = parent.is_relative_to(folder.resolve()) and parent != folder.resolve()
    return parent.relative_to(folder.resolve()).as_posix() if inside else filename(arm)


def _write_means(runs: pd.DataFrame, folder: Path) -> None:
    histories = [history for run in runs["folder"] if len(history := results.history(Path(run)))]
    if not histories:
        return
    means = learning_curves.going_on(pd.concat(histories), len(histories)).mean()
    with Writer(folder) as writer:
        for epoch, row in means.replace([np.inf, -np.inf], np.nan).to_dict("index").items():
            figures = {name: value for name, value in row.items() if not pd.isna(value)}
            writer.add_metrics(scalars.of_epoch(figures), int(epoch))


def _plots(comparison: Comparison) -> Iterator[tuple[str, bytes]]:
    arms_looks = looks(comparison)
    for forest in sections.forests(comparison, arms_looks, wide=False):  # TensorBoard shows images small
        yield f"comparison/differences from {forest['baseline']}", forest["narrow"]
    for arm in sections.strengths(comparison, arms_looks):
        for place, curve in enumerate(arm["svgs"], start=1):
            yield f"strengths of {arm['arm']}/{place}", curve
    for scatter in sections.scatters(comparison, arms_looks):
        yield f"comparison/{scatter['tag']}", scatter["svg"]
