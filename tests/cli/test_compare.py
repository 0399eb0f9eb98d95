"""`python -m ablate compare`, and the table that a sweep ends in."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from ablate.analysis.comparison import compare_folders
from ablate.cli.compare import compare, tally
from ablate.cli.main import main
from ablate.records.sweeps import Asked, Sweep
from ablate.report.tables import main_table
from helpers import BASE, L1, ROOT, ablate, leave, result

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.slow
def test_a_sweep_the_subcommand_and_the_compare_script_end_with_the_same_table(capsys):
    arguments = ["regularizer=none,l1", "seed=0,1,2", "trainer.epochs=3"]
    assert main(["-m", *arguments, "hydra.sweep.dir=sweep"]) == 0
    out = capsys.readouterr().out
    assert "6 runs in" in out and "Too few seeds for a verdict" in out
    assert f"report  {Path('sweep/report.html')}" in out and Path("sweep/report.html").is_file()
    csv, text = (Path(f"sweep/comparison.{kind}").read_bytes() for kind in ("csv", "md"))
    for again in (ablate("compare", "sweep"), ablate("sweep", script=ROOT / "scripts" / "compare.py")):
        assert again.returncode == 0, again.stderr
        assert out[out.index("6 runs on digits") :] == again.stdout
    assert Path("sweep/comparison.csv").read_bytes() == csv
    assert Path("sweep/comparison.md").read_bytes() == text


@pytest.mark.parametrize(
    ("command", "study", "how"),
    [
        (["-m", "study=mine"], "mine", "the same command does"),
        (["-m", "seed=0,1"], None, "the same command with hydra.sweep.dir=sweep does"),
        (["-m", "seed=0,1", "hydra.sweep.dir=sweep"], None, "the same command does"),
    ],
)
def test_a_sweep_that_was_interrupted_says_how_to_go_on(tmp_path, monkeypatch, capsys, command, study, how):
    monkeypatch.chdir(tmp_path)
    result(Path("sweep/0"), "none", 0, 0.5)
    asked = [Asked(f"none{seed}", None, seed) for seed in (0, 1)]
    Sweep(command, study, None, None, asked).write(Path("sweep"))
    assert compare([Path("sweep")], reused=set()) == 0
    assert f"left    1 run: {how} them" in capsys.readouterr().out
    assert compare([Path("sweep")]) == 0  # somebody who looks on
    assert "left " not in capsys.readouterr().out


def test_its_help_is_its_own(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--help"])
    out = capsys.readouterr().out
    assert ended.value.code == 0 and out.startswith("usage: ablate compare")
    assert all(said in out for said in ("FOLDER", "--baseline ARM", "--metric"))
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: FOLDER; ablate compare --help lists what there is"),
        (["sweep", "--nope"], "unrecognized arguments: --nope; ablate compare --help lists what there is"),
        (["sweep", "--baseline"], "argument --baseline: expected one argument; ablate compare --help"),
        (["sweep", "--baseline", "nine"], "baseline=nine: must be one of l1=1e-4, none (did you mean none?)"),
        (["sweep", "--metric=loss/val"], "metric=loss/val: must be one of accuracy/test, loss/test"),
        (["nowhere"], "nowhere: no such folder"),
        (["sweep", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_status_2(arguments, said, capsys):
    result(Path("sweep/0"), "none", 0, 0.5)
    result(Path("sweep/1"), "l1=1e-4", 0, 0.6, **L1)
    assert main(["compare", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"error: {said}") and shown.err.count("\n") == 1 and shown.out == ""
    assert sorted(path.name for path in Path().rglob("*.*")) == ["result.json"] * 2


def test_folders_are_put_together_in_a_table_in_the_first_with_another_baseline_and_metric(capsys):
    for seed in range(6):
        result(Path(f"one/{seed}"), "none", seed, 0.90 + seed / 1000)
        result(Path(f"two/{seed}"), "l1=1e-4", seed, 0.95 + seed / 900, **L1)
    assert main(["compare", "one", "two", "--baseline", "l1=1e-4"]) == 0
    assert "none is worse than l1=1e-4: -5.03 points of test accuracy" in " ".join(capsys.readouterr().out.split())
    assert Path("one/comparison.csv").is_file() and not Path("two/comparison.csv").exists()
    assert main(["compare", "one", "two"]) == 0
    assert "l1=1e-4 is better than none" in " ".join(capsys.readouterr().out.split())


def test_failed_runs_are_counted_and_named(tmp_path, capsys):
    result(tmp_path / "0", "none", 0, 0.9)
    result(tmp_path / "1", "none", 1, 0.0, status="diverged")
    assert compare([tmp_path]) == 1
    assert "none seed 1: diverged: loss/train is nan in epoch 3" in capsys.readouterr().out
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["n"]) == [1] and list(comparison.arms["mean"]) == [0.9]
    assert list(comparison.arms["failed"]) == [1] and list(main_table(comparison)["failed"]) == ["1"]


def test_nothing_to_compare_is_said(tmp_path, capsys):
    assert compare([tmp_path]) == 2
    assert "no results there yet" in capsys.readouterr().err
    assert compare([tmp_path / "nowhere"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_the_table_is_made_of_the_rest(tmp_path, capsys):
    result(tmp_path / "good", "none", 1, 0.9)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "result.json").write_text("{}")
    assert compare([tmp_path]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "bad/result.json: run skipped" in shown.err and "1 run on digits" in shown.out


def test_the_runs_of_a_sweep_are_told_by_how_they_ended():
    runs = pd.DataFrame(
        {
            "run_id": list("abcde"),
            "status": ["finished", "finished", "finished", "diverged", "failed"],
            "stopped_epoch": [None, 7, None, 3, None],
        }
    )
    assert tally(runs, set()) == "3 finished (1 of them stopped early), 1 diverged, 1 failed"
    assert tally(runs[:1], {"a", "z"}) == "1 finished; 1 reused"


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\xed\xa0\x80", b"\x1b]0;PWNED\x07", b"a\nb", b"\xe9t\xe9"])
def test_folders_may_have_any_names(name, capsys):
    place = Path(os.fsdecode(name))
    for seed in range(2):
        leave(place / os.fsdecode(name + b"%d" % seed), "none", seed)
        leave(place / f"l1{seed}", "l1=1e-4", seed, l1=1e-4)
    event = place / "l10" / "events.out.tfevents.1"
    event.touch()
    (place / "bad").mkdir()
    (place / "bad" / "result.json").write_text("{")
    assert main(["compare", str(place)]) == 0
    told = capsys.readouterr()
    assert all(c.isprintable() or c == "\n" for c in told.out + told.err) and told.err.count("\n") == 1
    written = [path for path in place.iterdir() if path.suffix in (".csv", ".md", ".tex", ".html")]
    assert len(written) == 5
    for path in written:
        assert "\x1b" not in path.read_text("utf-8")
    assert len(pd.read_csv(place / "runs.csv")) == 4 and list((place / "comparison").rglob("events*"))


def test_a_strength_named_like_a_column_has_a_column_of_its_own(tmp_path):
    names = ("arm", "status", "seed", "folder", "gap", "near_zeros", "l1_norm", "accuracy/test", "data", "overlap")
    for seed in range(6):
        odd = {"regularizer": BASE["regularizer"] | dict.fromkeys(names, 0.5)}
        result(tmp_path / f"a{seed}", "none", seed, 0.9 + seed / 100)
        result(tmp_path / f"b{seed}", "odd", seed, 0.8 + seed / 90, **odd)
    comparison = compare_folders(tmp_path)
    assert list(comparison.arms["arm"]) == ["none", "odd"] and list(comparison.arms["n"]) == [6, 6]
    assert set(comparison.runs["status"]) == {"finished"} and set(comparison.runs["near_zeros"]) == {0.25}
    own = comparison.runs[[f"regularizer.{name}" for name in names]]
    assert own[comparison.runs["arm"] == "odd"].eq(0.5).all(axis=None)


def test_a_sweep_that_asks_for_a_metric_that_is_none_is_compared_all_the_same(tmp_path, capsys):
    result(tmp_path / "a", "none", 0, 0.9)
    Sweep([], "mine", None, "nope/test", [Asked("none0", "plain", 0)]).write(tmp_path)
    assert compare([tmp_path]) == 0
    assert "study.metric=nope/test: must be one of accuracy/test, loss/test" in capsys.readouterr().err
