"""scripts/calibrate.py in short: verdicts raise no more false alarms than they say, and find what theory says."""

from __future__ import annotations

import runpy
import sys

import pytest
from scipy.stats import binom

from ablate.analysis.inference import power
from helpers import ROOT

CALIBRATE = runpy.run_path(str(ROOT / "scripts" / "calibrate.py"))


@pytest.mark.slow
@pytest.mark.parametrize("noise", list(CALIBRATE["NOISES"]))
def test_false_alarms_over_the_family_are_at_most_5_percent(noise):
    studies = 200
    assert CALIBRATE["alarms"](studies, CALIBRATE["NOISES"][noise], 4, 8) <= binom.ppf(0.999, studies, 0.05)


def test_four_data_settings_raise_no_more_false_alarms_than_one():
    studies = 150
    assert CALIBRATE["alarms"](studies, CALIBRATE["NOISES"]["normal"], 4, 6, 4) <= binom.ppf(0.999, studies, 0.05)


def test_a_difference_is_found_as_often_as_theory_says():
    studies = 200
    found = CALIBRATE["found"](studies, CALIBRATE["NOISES"]["normal"], 10, 2**0.5)
    low, high = binom.ppf([0.001, 0.999], studies, power(1.0, 1.0, 10, 0.05))
    assert low <= found <= high


@pytest.mark.slow
def test_every_look_at_a_growing_study_is_a_chance_of_a_false_alarm():
    studies, normal = 300, CALIBRATE["NOISES"]["normal"]
    first, *_, last = CALIBRATE["looked_at"](studies, normal, 1, [6, 12, 24, 48])
    assert first <= binom.ppf(0.999, studies, 0.05) < last


@pytest.mark.slow
def test_the_script_prints_its_tables(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["calibrate.py", "--studies", "5", "--arms", "2", "--seeds", "6", "--aa", "1", "--looks", "7,6"]
    )
    CALIBRATE["main"]()
    out = capsys.readouterr().out
    assert "6, 7" in out and "No arm differs" in out and "One arm is better" in out and "A/A on digits: " in out
