"""What a sweep was asked for, and at how many seeds it was looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.cli.main import main
from ablate.config.identity import data_settings
from ablate.records.names import ASKED
from ablate.records.sweeps import Asked, Sweep, refused, with_other_data
from ablate.utils.errors import ConfigError
from helpers import BASE

pytestmark = pytest.mark.usefixtures("elsewhere")

SHORT = ("trainer.epochs=1", "model.hidden=[4]")


def test_a_sweeps_list_reads_back_as_it_was_written(tmp_path):
    sweep = Sweep(["-m"], "mine", "a", "accuracy/test", [Asked("0", "a", 1)], [6])
    sweep.write(tmp_path)
    assert Sweep.read(tmp_path / ASKED) == sweep
    of_earlier_versions = json.loads((tmp_path / ASKED).read_text())
    del of_earlier_versions["looks"]
    (tmp_path / ASKED).write_text(json.dumps(of_earlier_versions))
    assert Sweep.read(tmp_path / ASKED) == replace(sweep, looks=[])
    (tmp_path / ASKED).write_text("[]")
    with pytest.raises(ConfigError):
        Sweep.read(tmp_path / ASKED)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"runs": {}}, "runs={}: must be a valid list"),
        ({"runs": [{"run_id": "a"}]}, "runs.0.arm: is missing"),
        ({"runs": [{"run_id": "a", "arm": "a\n| b |", "seed": 0}]}, "runs.0.arm=a | b |: must be one line"),
        ({"runs": [{"run_id": "a", "arm": None, "seed": 10**400}]}, "runs.0.seed=1000"),
        ({"study": "\x1b]0;PWNED\x07"}, "study=\\x1b]0;PWNED\\x07: must be one line that can be printed"),
        ({"baseline": "\ud800"}, "baseline=\\ud800: must be one line"),
        ({"metric": "arm"}, "metric=arm: "),
        ({"looks": ["6"]}, "must be a valid integer"),
        ({"command": "-m"}, "command=-m: must be a valid list"),
    ],
)
def test_a_list_of_another_shape_is_none_and_said_in_one_line(tmp_path, values, said):
    Sweep(["-m"], "mine", "a", "accuracy/test", [Asked("0", "a", 1)]).write(tmp_path)
    path = tmp_path / ASKED
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(ConfigError) as raised:
        Sweep.read(path)
    assert str(raised.value).startswith(f"{path}: is no list of what was asked for: ") and said in str(raised.value)
    assert str(raised.value).isprintable() and Sweep.of(tmp_path) is None


@pytest.mark.parametrize("word", ["a\udcff", "a\nb", "\x1b[2J", "seed=" + "9" * 5000, "seed=\u0663"])
def test_whatever_was_typed_is_read_back(tmp_path, word):
    asked = refused("a", ["b=1", word], set(), f"error: {word}: no")
    sweep = Sweep(["-m", word], None, None, None, [asked])
    sweep.write(tmp_path)
    assert Sweep.read(tmp_path / ASKED) == sweep


def runs_of(arms: str, seeds: int) -> list[Asked]:
    return [Asked(f"{arm}{seed}", arm, seed) for arm in arms for seed in range(seeds)]


@pytest.mark.parametrize(
    ("earlier", "before", "now", "lost", "looks"),
    [
        ([], ("ab", 10), ("ab", 14), set(), [10]),
        ([10], ("ab", 20), ("ab", 40), set(), [10, 20]),
        ([], ("ab", 10), ("abc", 14), set(), [10]),  # an arm more
        ([], ("ab", 10), ("a", 14), set(), [10]),  # the promising one goes on
        ([10], ("ab", 14), ("ab", 14), set(), [10]),  # the same command again
        ([10], ("ab", 14), ("ab", 10), set(), []),  # back to the first look
        ([], ("ab", 10), ("abc", 10), set(), []),  # an arm more, no seed
        ([], ("ab", 10), ("cd", 14), set(), []),  # other settings
        ([], ("ab", 10), ("ab", 14), {"a3"}, []),  # there was no table of 10 yet
    ],
)
def test_a_sweep_knows_at_how_many_seeds_it_was_looked_at(tmp_path, earlier, before, now, lost, looks):
    old, new = (Sweep(["-m"], None, None, None, runs_of(*arms)) for arms in (before, now))
    there = {run.run_id: {"config": BASE} for run in old.runs if run.run_id not in lost}
    new = replace(new, commands={DIGITS: ["-m"]})
    assert with_other_data(new, None, {}) == new
    assert with_other_data(new, replace(old, looks=earlier), there) == replace(new, looks=looks)


DIGITS = data_settings(BASE)


def test_a_sweep_keeps_the_runs_on_other_data_that_have_a_result():
    noise = BASE | {"dataset": {"name": "noise", "root": "a"}}
    on_noise = [replace(run, run_id=f"noise {run.run_id}") for run in runs_of("ab", 8)]
    hopeless = Asked("c0", "c", 0, "model=x: no such option")
    before = Sweep(
        ["old"], "s", "a", None, [*runs_of("abc", 6), *on_noise, hopeless], [6], {DIGITS: ["old"], "gone": []}
    )
    there = {run.run_id: {"config": BASE} for run in runs_of("ab", 6)}
    there |= {run.run_id: {"config": noise} for run in on_noise if run.seed < 7}
    now = Sweep(["new"], "s", "b", None, runs_of("de", 3), [], {DIGITS: ["new"]})
    kept = with_other_data(now, before, there)
    assert kept == replace(now, runs=[*now.runs, *(run for run in on_noise if run.seed < 7)], looks=[6])
    elsewhere = replace(now, commands={data_settings(noise): ["new"]})
    kept = with_other_data(elsewhere, before, there)
    assert kept.runs == [*now.runs, *runs_of("ab", 6)]
    assert kept.commands == {data_settings(noise): ["new"], DIGITS: ["old"]}
    # Nothing of the folder's is of other data where a cache of another root holds it.
    moved = {run_id: {"config": BASE | {"dataset": {"name": "digits", "root": "b"}}} for run_id in there}
    assert with_other_data(now, before, moved) == now


@pytest.mark.slow
def test_seeds_that_are_added_after_a_look_are_noted(capsys):
    arguments = ["-m", "regularizer=none,l1", *SHORT, "hydra.sweep.dir=sweep"]
    note = "seeds were added after a look"
    for seeds, noted in ((3, ""), (6, ""), (7, f"{note} (6, then 7): "), (8, f"{note} (6, 7, then 8): ")):
        assert main([*arguments, f"seed=range({seeds})"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert noted in said and (note in said) == bool(noted)
    for name in ("comparison.md", "report.html"):
        assert f"{note} (6, 7, then 8)" in Path("sweep", name).read_text()
