"""What people see, on terminals of every width, without one, in any letters."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ablate.utils.console import Console
from ablate.utils.text import escaped

pytestmark = pytest.mark.usefixtures("terminals")


def test_forced_colours_draw_no_bars_into_a_file(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    console = Console(file=file)
    console.print("worse")
    assert "\x1b[31mworse" in file.getvalue() and not console.is_interactive


def test_what_was_typed_is_no_markup_and_no_emoji(capsys):
    Console().line_of_text("model.hidden=[64,64] [bold] :smile: a\u2028b\ud800")
    assert capsys.readouterr().out == "model.hidden=[64,64] [bold] :smile: a\\u2028b\\ud800\n"


@pytest.mark.parametrize("text", ["\x1b]0;PWNED\x07", "a\tb", "a\rb", "\x9b31m", "\u202eb", "\udcff", "\ud800", "a\0b"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_nothing_that_is_printed_does_anything_to_a_terminal(text, encoding):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=60)
    table = Table(text, title=text)
    table.add_row(text)
    for what in (text, Text(text), table, Panel(Text(text)), Rule(text)):
        console.print(what)
    console.line_of_text(text)
    console.prose(f"{text} {text}")
    console.open_panel(text)
    console.link(text, Path(os.fsdecode(b"\xff\x1b[2J")))
    file.flush()
    shown = raw.getvalue().decode(encoding)
    assert all(c.isprintable() or c == "\n" for c in shown) and shown.count(escaped(text)) >= 10
    widths = {len(line) for line in shown.splitlines() if line.startswith(("╭", "╰", "│", "+", "|"))}
    assert len(widths) <= 2  # of the table, and of the panel


@pytest.mark.parametrize("columns", ["0", "1", "5", "-3", "²", "x", "", "99999999999", "1e3"])
def test_a_width_that_can_be_none_is_no_width(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    console = Console(file=io.StringIO(), force_terminal=True)
    console.prose("a few words that are broken somewhere", indent=8)
    console.open_panel("title")
    assert 20 <= console.width <= 9999
