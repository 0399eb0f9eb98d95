"""Values, lines and counts as people read them."""

from __future__ import annotations

import pytest

from ablate.utils.text import LONGEST_LINE, line


@pytest.mark.parametrize("text", ["x" * 100_000, "word " * 20_000, "\x1b" * 10_000])
def test_of_a_line_that_is_too_long_the_middle_is_left_out(text):
    said = line(f"seed={text}: must be a number")
    assert len(said) <= LONGEST_LINE + 3 and said.startswith("seed=") and said.endswith(": must be a number")
    assert said.isprintable()


def test_a_line_of_usual_length_is_as_it_is():
    assert line("x" * LONGEST_LINE) == "x" * LONGEST_LINE
