"""The files of a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis.comparison import compare_folders
from ablate.report.write import save


def test_it_is_written_whole_or_not_at_all(study, monkeypatch):
    comparison = compare_folders(study)
    save(comparison, study)
    assert (study / "report.html").read_text().rstrip().endswith("</html>")
    before = (study / "report.html").read_bytes()

    replace = Path.replace

    def broken(path: Path, target: Path) -> None:
        if target.name == "report.html":
            raise OSError("disk full")
        replace(path, target)

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        save(comparison, study)
    assert (study / "report.html").read_bytes() == before
    assert not list(study.glob(".report*"))
