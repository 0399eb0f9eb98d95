"""Preparing a sweep: what is done already, where each run goes, what can't be trained."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.main import main
from ablate.records.names import EARLIER
from helpers import asked

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.slow
def test_two_runs_never_share_a_folder(capsys):
    arguments = ["-m", "regularizer=none,l1", "seed=0,1", "trainer.epochs=1", "hydra.sweep.subdir=${seed}"]
    for reused in (0, 4):
        assert main([*arguments, "hydra.sweep.dir=sweep"]) == 0
        out = capsys.readouterr().out
        assert ("4 runs: 4 reused, 0 to do" in out) == (reused == 4)
    assert "has no row of its own" not in out
    results = {path.parent.name: json.loads(path.read_text()) for path in Path("sweep").glob("*/result.json")}
    assert {(r["arm"], r["seed"]) for r in results.values()} == {(a, s) for a in ("none", "l1=3e-4") for s in (0, 1)}
    assert {"0", "1"} < set(results)


@pytest.mark.slow
def test_a_job_that_cannot_be_composed_is_a_row_and_the_others_go_on(capsys):
    arguments = ["-m", "regularizer=none,l4", "regularizer.l2=0,-1", "seed=0,1", "trainer.epochs=1", "model.hidden=[4]"]
    for _ in range(2):  # nor is it taken for done the second time
        assert main([*arguments, "hydra.sweep.dir=sweep"]) == 1
        out = capsys.readouterr().out
        told = " ".join(out.split())
        assert "regularizer.l2=-1 seeds 0 to 1: failed: regularizer.l2=-1: must be greater than" in told
        assert "regularizer=l4: must be one of" in out
    assert "8 runs: 2 reused, 0 to do, 6 can't be trained" in out and "2 finished, 6 failed; 2 reused" in out


def test_a_sweep_does_damaged_runs_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["-m", "seed=0,1", "trainer.epochs=2", "model.hidden=[4]", "logging.tensorboard=false"]
    assert main([*command, "hydra.sweep.dir=sweep"]) == 0
    whole = {path: path.read_bytes() for path in Path("sweep").rglob("model.safetensors")}
    damaged = min(whole)
    damaged.write_bytes(whole[damaged][:100])
    capsys.readouterr()
    assert main([*command, "hydra.sweep.dir=sweep"]) == 0
    shown = capsys.readouterr()
    assert "2 runs: 1 reused, 1 to do" in shown.out and "model.safetensors: run skipped" in shown.err
    assert {path: path.read_bytes() for path in Path("sweep").rglob("model.safetensors")} == whole


SHORT = ("trainer.epochs=1", "model.hidden=[4]")


def results(folder: str = "outputs") -> dict[Path, str]:
    return {path: path.read_text() for path in Path(folder).rglob("result.json")}


@pytest.mark.slow
def test_strengths_add_up_and_a_product_of_them_is_recognised(capsys):
    assert main(["-m", "study=strengths", *SHORT]) == 0
    before = results()
    assert len(before) == (1 + 4 + 4 + 3) * 10 == len(asked("outputs/studies/strengths"))
    assert "120 runs in" in capsys.readouterr().out
    product = ["regularizer.l1=0,1e-5,1e-4,3e-4,1e-3", "seed=range(10)", *SHORT]
    assert main(["-m", *product, "hydra.sweep.dir=outputs/studies/strengths"]) == 0
    out = capsys.readouterr().out
    assert "50 runs: 50 reused, 0 to do" in out and "70 results of other settings" in out
    assert results() == before


@pytest.mark.slow
def test_the_same_command_does_what_is_missing_and_touches_nothing_else(capsys):
    arguments = ["-m", "study=regularizers", "study.seeds=2", *SHORT]
    assert main(arguments) == 0
    folder, whole = Path("outputs/studies/regularizers"), results()
    tables = [(folder / f"comparison.{kind}").read_text() for kind in ("md", "tex")]
    lost = sorted(whole)[:3]
    for path in lost:
        shutil.rmtree(path.parent)
    kept = {path: path.stat().st_mtime_ns for path in results()}
    capsys.readouterr()
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "10 runs: 7 reused, 3 to do" in out and "10 finished; 7 reused" in out
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert [(folder / f"comparison.{kind}").read_text() for kind in ("md", "tex")] == tables
    for path in lost:
        assert json.loads(path.read_text())["metrics"] == json.loads(whole[path])["metrics"]
    assert main([*arguments, "study.seeds=3", "seed=0,1,2"]) == 0
    assert "15 runs: 10 reused, 5 to do" in capsys.readouterr().out


@pytest.mark.parametrize("launcher", ["basic", "stacked"])
def test_a_run_that_two_arms_share_is_done_once(capsys, launcher):
    arms = ["+study.arms.curve='regularizer.l1=0,1e-4'", "~study.arms.l1", "~study.arms.l2", "~study.arms.dropout"]
    arms += ["~study.arms.early_stopping"]
    assert main(["-m", "study=regularizers", f"hydra/launcher={launcher}", "study.seeds=2", *arms, *SHORT]) == 0
    runs = asked("outputs/studies/regularizers")
    assert Counter(run.arm for run in runs) == {"none": 2, "curve": 4}
    assert len(results()) == 4


def test_settings_that_share_a_folder_by_name_do_not_overwrite_each_other(capsys):
    Path("mine/study").mkdir(parents=True)
    for epochs in (1, 2):
        text = f"baseline: a\nseeds: 1\ncommon: model.hidden=[4] trainer.epochs={epochs}\narms: {{a: seed=0}}\n"
        Path("mine/study/own.yaml").write_text(text)
        arguments = ["-m", "--config-dir", "mine", "study=own", "hydra.sweep.subdir=run"]
        assert main(arguments) == 0
    epochs = sorted(json.loads(text)["config"]["trainer"]["epochs"] for text in results().values())
    assert epochs == [1, 2]
    assert "1 result of other settings or code in the folder" in capsys.readouterr().out


@pytest.mark.parametrize(("rerun", "to_do"), [("none", 0), ("failed", 1), ("all", 2)])
def test_rerun_says_which_results_are_done_again(capsys, rerun, to_do):
    arguments = ["-m", "seed=0,1", *SHORT, "hydra.sweep.dir=sweep"]
    assert main(arguments) == 0
    path = sorted(results("sweep"))[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "failed", "error": "out of memory"}))
    capsys.readouterr()
    assert main([*arguments, f"rerun={rerun}"]) == (rerun == "none")
    out = capsys.readouterr().out
    assert (f"2 runs: {2 - to_do} reused, {to_do} to do" in out) == (to_do < 2)
    assert ("out of memory" in out) == (rerun == "none")


@pytest.mark.slow
def test_a_job_that_stops_composing_leaves_what_finished(capsys):
    Path("mine/regularizer").mkdir(parents=True)
    arguments = ["-m", "--config-dir", "mine", "regularizer=none,own", "seed=0,1", *SHORT, "hydra.sweep.dir=sweep"]
    Path("mine/regularizer/own.yaml").write_text("l1: 0.001\n")
    assert main(arguments) == 0
    before = results("sweep")
    Path("mine/regularizer/own.yaml").write_text("l1: abc\n")
    assert main(arguments) == 1
    assert results("sweep") == before and "regularizer.l1=abc" in capsys.readouterr().out
    Path("mine/regularizer/own.yaml").write_text("l1: 0.001\n")
    capsys.readouterr()
    assert main(arguments) == 0
    assert "4 runs: 4 reused, 0 to do" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_of_other_settings_does_not_take_the_folder_where_a_finished_result_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["-m", "seed=0,1", *SHORT, "hydra.sweep.dir=sweep", "hydra.sweep.subdir=run/${seed}"]
    assert main([*words, "regularizer=none"]) == 0
    kept = Path("sweep/run/0")
    before = json.loads((kept / "result.json").read_text())["run_id"]
    # A run that was done again, with `rerun=all`, and killed.
    (kept / EARLIER).mkdir()
    for file in ("result.json", "model.safetensors", "history.csv"):
        (kept / file).rename(kept / EARLIER / file)
    assert main([*words, "regularizer=l1"]) == 0
    there = {json.loads(path.read_text())["run_id"] for path in Path("sweep").rglob("result.json")}
    assert before in there and len(there) == 4


def test_jobs_that_are_the_same_run_are_told(tmp_path, capsys):
    words = ["-m", "regularizer=none,l1", "regularizer.l1=0,1e-3", *SHORT, f"hydra.sweep.dir={tmp_path}"]
    assert main(words) == 0
    assert "4 jobs, 2 different runs\n" in capsys.readouterr().out


def write(file: str, text: str) -> None:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


OWN = "from ablate.regularizers import _near\n\n\ndef penalty(weight):\n    return {} * _near.size(weight)\n"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_runs_whose_code_has_changed_are_trained_anew_and_nothing_is_lost(workers, capsys):
    """And those alone: no arm averages two functions."""
    write("mine/regularizer/own.py", OWN.format(3))
    write("mine/regularizer/_near.py", "def size(weight):\n    return weight.abs().sum()\n")
    words = ["-m", "--config-dir", "mine", "regularizer.own=0,1e-3", "seed=0,1", *SHORT, f"stack.workers={workers}"]
    words += ["stack.size=2", "hydra.sweep.dir=sweep", "logging.tensorboard=false"]
    assert main(words) == 0
    before = results("sweep")
    assert "anew" not in capsys.readouterr().out
    write("mine/regularizer/own.py", "# three times\n" + OWN.format(3))
    assert main(words) == 0
    assert "4 runs: 4 reused, 0 to do" in capsys.readouterr().out
    for file, text in (
        ("mine/regularizer/own.py", OWN.format(1)),
        ("mine/regularizer/_near.py", "def size(weight):\n    return weight.square().sum()\n"),
    ):
        write(file, text)
        assert main(words) == 0
        out = capsys.readouterr().out
        assert "4 runs: 2 reused, 2 to do" in out and f"2 runs are trained anew: {file} has changed\n" in out
        assert {path: text for path, text in results("sweep").items() if path in before} == before
        before = results("sweep")
    assert len(before) == 8 and "4 results of other settings or code in the folder, left out here" in out
    asked_for = {run.run_id for run in asked("sweep")}
    counted = [r["metrics"]["penalty"] for r in map(json.loads, before.values()) if r["run_id"] in asked_for]
    assert sorted(map(bool, counted)) == [False, False, True, True]
    assert 3.5 * max(counted) < max(json.loads(text)["metrics"]["penalty"] for text in before.values())  # of squares
    write("mine/regularizer/_near.py", "def size(weight):\n    return weight.abs().sum()\n")
    assert main(words) == 0
    assert "4 runs: 4 reused, 0 to do" in capsys.readouterr().out


def test_results_of_earlier_versions_are_kept_and_said_to_be(capsys):
    words = ["-m", "seed=0,1", *SHORT, "hydra.sweep.dir=sweep", "logging.tensorboard=false"]
    assert main(words) == 0
    for path, text in results("sweep").items():
        untold = {key: value for key, value in json.loads(text).items() if key != "origin"}
        path.write_text(json.dumps(untold | {"run_id": path.parent.name}))
    before = results("sweep")
    capsys.readouterr()
    assert main(words) == 0
    assert "2 runs are trained anew: the results are of an earlier version of ablate" in capsys.readouterr().out
    assert len(results("sweep")) == 4 and {path: results("sweep")[path] for path in before} == before


def table(folder: Path) -> pd.DataFrame:
    """Times apart."""
    return pd.read_csv(folder / "comparison.csv", index_col="arm").drop(columns="seconds").sort_index()


def test_a_study_of_two_data_sets_has_one_table_whether_they_are_typed_at_once_or_not(capsys):
    write("mine/study/own.yaml", "baseline: none\nseeds: 2\narms: {none: regularizer=none, l1: regularizer=l1}\n")
    words = ["-m", "--config-dir", "mine", "study=own", *SHORT, "logging.tensorboard=false"]
    folder = Path("outputs/studies/own")
    assert main([*words, "dataset=digits"]) == 0
    first = table(folder)
    assert main([*words, "dataset=noise"]) == 0
    out = capsys.readouterr().out
    assert "the table keeps 4 runs on other data, asked for before (digits); another hydra.sweep.dir" in out
    report = (folder / "report.html").read_text()
    assert "dataset=digits seed" not in report and report.count("study=own") >= 2
    rows = table(folder)
    assert len(results()) == 8 and {run.run_id for run in asked(str(folder))} == {
        json.loads(text)["run_id"] for text in results().values()
    }
    assert main([*words, "dataset=digits,noise", "hydra.sweep.dir=both"]) == 0
    pd.testing.assert_frame_equal(table(Path("both")), rows)
    capsys.readouterr()
    assert main([*words, "dataset=digits"]) == 0
    assert "4 runs: 4 reused, 0 to do" in capsys.readouterr().out
    pd.testing.assert_frame_equal(table(folder), rows)
    assert len(rows) == 2 * len(first)
    assert main([*words, "dataset=digits", "trainer.epochs=2"]) == 0  # other settings on the same data: the last count
    assert len(asked(str(folder))) == 8 and len(results()) == 12
