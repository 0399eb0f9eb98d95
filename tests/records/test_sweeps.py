"""What a sweep was asked for, and at how many seeds it was looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.cli.main import main
from ablate.records import sweeps
from ablate.records.names import ASKED
from ablate.records.sweeps import Asked, Sweep
from ablate.utils.errors import ConfigError

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
    old, new = runs_of(*before), runs_of(*now)
    assert sweeps.looks(tmp_path, new, set()) == []
    Sweep(["-m"], None, None, None, old, earlier).write(tmp_path)
    assert sweeps.looks(tmp_path, new, {run.run_id for run in old} - lost) == looks


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
