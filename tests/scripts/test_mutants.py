"""scripts/mutants.py without mutmut: what it makes of mutmut's results, and what it lets mutmut loose on."""

from __future__ import annotations

import runpy
import tomllib

import pytest

from helpers import ROOT

MUTANTS = runpy.run_path(str(ROOT / "scripts" / "mutants.py"))
RESULTS = """\
    ablate.utils.seeds.x_derive__mutmut_1: killed
    ablate.utils.seeds.xǁDrawsǁlanes__mutmut_1: timeout
    ablate.config.identity.x_run_id__mutmut_1: survived
    ablate.config.identity.x_run_id__mutmut_2: no tests
    ablate.config.identity.x__flat__mutmut_1: segfault
"""


def test_the_share_that_was_killed_is_told_by_module_and_the_worst_comes_first():
    assert MUTANTS["table"](MUTANTS["by_module"](RESULTS)).splitlines() == [
        " 33.3%     1 of    3  ablate.config.identity",
        "100.0%     2 of    2  ablate.utils.seeds",
    ]


@pytest.mark.parametrize(
    ("survived", "enough"), [({"a": 1}, True), ({"a": 2}, False), ({"a": 0, "b": 1}, True), ({"a": 0, "b": 2}, False)]
)
def test_nine_in_ten_have_to_be_killed_in_every_module(survived, enough):
    lines = [
        f"{name}.x__mutmut_{i}: {'survived' if i < n else 'killed'}" for name, n in survived.items() for i in range(10)
    ]
    assert MUTANTS["enough"](MUTANTS["by_module"]("\n".join(lines))) == enough


def test_where_nothing_was_tried_nothing_was_shown():
    assert not MUTANTS["enough"](MUTANTS["by_module"](""))


def test_modules_and_tests_that_mutmut_is_told_of_are_there():
    """It passes over what it doesn't find."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    paths = [
        *told["only_mutate"],
        *told["pytest_add_cli_args_test_selection"],
        *told["source_paths"],
        *told["also_copy"],
    ]
    assert [path for path in paths if not (ROOT / path).exists()] == []
