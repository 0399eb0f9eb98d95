"""The files of a comparison, written into its folder."""

from __future__ import annotations

from pathlib import Path

from ablate.analysis.comparison import Comparison
from ablate.records.names import COMPARISON, REPORT
from ablate.report import page, tensorboard
from ablate.report.tables import latex, markdown
from ablate.utils.files import write
from ablate.utils.text import escaped


def save(comparison: Comparison, folder: Path) -> None:
    """Write runs.csv, comparison.csv, .md and .tex, strengths.csv where arms had several, and report.html.

    Where the runs are in TensorBoard, the comparison is too.
    """
    folders = [escaped(place).replace("\n", "\\n") for place in comparison.runs["folder"]]
    for name, table in (("runs", comparison.runs.assign(folder=folders)), (COMPARISON, comparison.arms)):
        write(folder / f"{name}.csv", table.drop(columns=["data", "overlap"]).to_csv(index=False))
    write(folder / f"{COMPARISON}.md", markdown(comparison))
    write(folder / f"{COMPARISON}.tex", latex(comparison))
    if comparison.strengths.empty:
        (folder / "strengths.csv").unlink(missing_ok=True)
    else:
        write(folder / "strengths.csv", comparison.strengths.to_csv(index=False))
    write(folder / REPORT, page.page(comparison))
    tensorboard.write(comparison, folder)
