"""What people see, on terminals of every width, without one, in any letters."""

from __future__ import annotations

import io

import pytest

from ablate.utils.console import Console

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


@pytest.mark.parametrize("columns", ["0", "1", "5", "-3", "²", "x", "", "99999999999", "1e3"])
def test_a_width_that_can_be_none_is_no_width(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    console = Console(file=io.StringIO(), force_terminal=True)
    console.prose("a few words that are broken somewhere", indent=8)
    console.open_panel("title")
    assert 20 <= console.width <= 9999
