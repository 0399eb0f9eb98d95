"""A comparison as tables."""

from __future__ import annotations

from ablate.analysis.comparison import compare_folders
from ablate.report.tables import latex
from helpers import result


def test_latex_escapes_what_it_would_take_for_commands(tmp_path):
    result(tmp_path / "0", "100%_{x}&$^~#", 0, 0.9)
    text = latex(compare_folders(tmp_path))
    assert "100\\%\\_\\{x\\}\\&\\$\\^{}\\~{}\\#" in text and "\\toprule" in text
