"""A comparison as tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ablate.analysis.comparison import compare_folders
from ablate.report.tables import latex, main_table, markdown
from helpers import EVIL, L1, result

ODD = [
    EVIL,
    "a|b",
    "a\\|b",
    "a\\",
    "|",
    "`a` `",
    "**a** *b",
    "_a_ __b__",
    "[a](b) [c]",
    "<!-- a",
    "<b>",
    "&lt; & &#60;",
    "# a",
    "- a",
    "1. a",
    "12) a",
    "> a",
    "+ a",
    "~~a~~",
    "[64,64]",
    "*",
    "\\\\[2pt]",
    "\\end{table}",
    "%",
    "```",
    "$a$",
    "---",
    "a--b",
    "''",
]


def odd(folder: Path, text: str) -> None:
    """The results of an arm without a regularizer, and of one of this name."""
    for seed in (0, 1):
        result(folder / f"none{seed}", "none", seed, 0.9)
        result(folder / f"odd{seed}", text, seed, 0.8, **L1)
    result(folder / "failed", text, 2, 0.8, "failed", **L1)


@pytest.mark.parametrize("text", ODD)
def test_markdown_shows_any_text_as_it_is(tmp_path, text):
    odd(tmp_path, text)
    comparison = compare_folders(tmp_path)
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(comparison))
    kinds = [token.type for token in tokens if token.level == 0 and token.nesting >= 0]
    assert set(kinds) == {"paragraph_open", "table_open", "bullet_list_open"} and kinds.count("table_open") == 1
    inline = [token for token in tokens if token.type == "inline"]
    shown = ["".join(child.content for child in token.children or []) for token in inline]
    assert all(child.type in ("text", "text_special") for token in inline for child in token.children or [])
    table = main_table(comparison)
    cells = [str(cell) for row in (list(table.columns), *table.to_numpy().tolist()) for cell in row]
    begin = shown.index("arm")
    assert shown[begin : begin + len(cells)] == cells
    assert text in cells and any(line.startswith(f"{text} seed 2: failed") for line in shown)


@pytest.mark.parametrize("text", ODD)
def test_latex_has_a_row_an_arm_whatever_it_is_called(tmp_path, text):
    odd(tmp_path, text)
    said = latex(compare_folders(tmp_path))
    assert all(said.count(word) == 1 for word in ("\\begin{table}", "\\end{table}", "\\midrule", "\\bottomrule"))
    rows = said.partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()
    columns = said.partition("\\toprule\n")[2].splitlines()[0]
    marks = re.compile(r"\\(?:[a-z]+\{\}|[~^]\{\}|.)")
    assert [marks.sub("", row).count("&") for row in rows] == [marks.sub("", columns).count("&")] * 2
    assert all(row.endswith(" \\\\") and row[0] not in "[*" for row in rows)
    plain = re.sub(r"(?<!\\)\$(?:\\pm|[<>|−-])\$", "", "\n".join(rows))
    assert not re.search(r"[%#$_^~\\{}]", re.sub(r"\{[\[*]\}", "", marks.sub("", plain)))


def test_latex_escapes_what_it_would_take_for_commands(tmp_path):
    result(tmp_path / "0", "100%_{x}&$^~#", 0, 0.9)
    text = latex(compare_folders(tmp_path))
    assert "100\\%\\_\\{x\\}\\&\\$\\^{}\\~{}\\#" in text and "\\toprule" in text
