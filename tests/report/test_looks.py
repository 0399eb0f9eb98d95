"""How arms look."""

from __future__ import annotations

from ablate.analysis.comparison import compare_folders
from ablate.report.looks import Look, looks


def test_an_arm_looks_the_same_everywhere_and_the_baseline_is_grey(study):
    of_arm = looks(compare_folders(study))
    arms = {arm: look for arm, look in of_arm.items() if arm.startswith("<")}
    assert len(arms) == 3 and len(set(arms.values())) == 1  # the strengths of an arm are a family
    assert of_arm["none"].colour == "baseline"
    assert len({of_arm["none"], of_arm["wild"], *arms.values()}) == 3


def test_thirty_arms_can_be_told_apart():
    assert len({Look.of_arm(place) for place in range(30)}) == 30
