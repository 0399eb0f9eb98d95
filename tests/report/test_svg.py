"""Axes and names in plots."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ablate.report import svg


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.5, 12, [0.5, 1, 2, 5, 10]),
        (0.02, 1.5, [0.03, 0.1, 0.3, 1]),
        (0.001, 30, [0.001, 0.01, 0.1, 1, 10]),
        (2.1, 2.2, []),
    ],
)
def test_logarithmic_axes_have_few_round_numbers(low, high, ticks):
    assert svg.decades(low, high) == pytest.approx(ticks)


def test_long_names_lose_their_middle_and_what_xml_cannot_hold():
    assert svg.shortened("a" * 20 + "b" * 20, 11) == "aaaaa…bbbbb"
    assert svg.shortened("a\x00b\ud800", 9) == "a\ufffdb\ufffd"


@pytest.mark.parametrize(("named", "kept"), [("nope", False), ("pdf", True)])
def test_a_backend_that_there_is_not_stops_no_report(named, kept):
    code = "import os, ablate.report.svg, matplotlib; print(os.environ['MPLBACKEND'], matplotlib.get_backend())"
    environment = os.environ | {"MPLBACKEND": named}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    asked, used = done.stdout.split()
    assert asked == named and (used == named) == kept
