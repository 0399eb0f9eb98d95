"""The files of a comparison, written into its folder."""

from __future__ import annotations

import os
from pathlib import Path

from ablate.analysis.comparison import Comparison
from ablate.analysis.runs import INNER
from ablate.records.locks import hold
from ablate.records.names import COMPARISON, REPORT, RUNS, STRENGTHS, WRITING
from ablate.records.ownership import TABLE, claim, foreign
from ablate.report import page, tensorboard
from ablate.report.tables import latex, markdown
from ablate.utils.errors import ConfigError
from ablate.utils.files import remove, write
from ablate.utils.text import escaped

PATIENCE = 60.0  # seconds to wait for another process that writes the table of this folder


def save(comparison: Comparison, folder: Path) -> None:
    """Write runs.csv, comparison.csv, .md and .tex, strengths.csv where arms had several, and report.html.

    Where the runs are in TensorBoard, the comparison is too. Who comes while another process does this waits for it.

    Raises:
        ConfigError: it takes too long; somebody's own files have these names. OSError: they can't be written.
    """
    if not os.path.lexists(folder / WRITING) and (why := foreign(folder, TABLE)):
        raise ConfigError(why)  # before there is a lock
    with hold(folder, WRITING, PATIENCE):
        claim(folder, TABLE)
        _save(comparison, folder)


def _save(comparison: Comparison, folder: Path) -> None:
    folders = [escaped(place).replace("\n", "\\n") for place in comparison.runs["folder"]]
    for name, table in ((RUNS, comparison.runs.assign(folder=folders)), (f"{COMPARISON}.csv", comparison.arms)):
        write(folder / name, table.drop(columns=[name for name in INNER if name in table]).to_csv(index=False))
    write(folder / f"{COMPARISON}.md", markdown(comparison))
    write(folder / f"{COMPARISON}.tex", latex(comparison))
    if comparison.strengths.empty:
        remove(folder / STRENGTHS)
    else:
        write(folder / STRENGTHS, comparison.strengths.to_csv(index=False))
    write(folder / REPORT, page.page(comparison))
    tensorboard.write(comparison, folder)
