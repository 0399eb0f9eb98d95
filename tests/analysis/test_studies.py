"""Studies: which runs they are, that none is done twice, and what the folder keeps."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from ablate.config import schema as config
from ablate.analysis import studies
from ablate.cli.main import main
from ablate.utils.errors import ConfigError
from ablate.records.results import EARLIER
from ablate.analysis.studies import Study

NAMES = sorted(path.stem for path in (config.folder() / "study").glob("*.yaml"))
SHORT = ("trainer.epochs=1", "model.hidden=[4]")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def asked(folder: str) -> list[studies.Asked]:
    return studies.Sweep.read(Path(folder, "study.json")).runs


def results(folder: str = "outputs") -> dict[Path, str]:
    return {path: path.read_text() for path in Path(folder).rglob("result.json")}


def typed(chosen: Study | None, *arguments: str) -> list[tuple[str | None, list[str]]]:
    parse = OverridesParser.create().parse_overrides
    return [(arm, [o.input_line for o in overrides]) for arm, overrides in studies.arms(chosen, arguments, parse)]


def test_arms_add_up_and_what_is_typed_comes_last():
    chosen = Study(baseline="a", seeds=3, common="x=1", arms={"a": "y=2", "b": "y=3,4 'z=[5, 6]'"})
    assert typed(chosen, "study=mine", "study.seeds=3", "x=7") == [
        ("a", ["x=1", "y=2", "x=7", "seed=0,1,2"]),
        ("b", ["x=1", "y=3,4", "z=[5, 6]", "x=7", "seed=0,1,2"]),
    ]
    assert typed(chosen, "seed=5")[0][1] == ["x=1", "y=2", "seed=5"]
    assert typed(None, "x=1,2", "seed=0") == [(None, ["x=1,2", "seed=0"])]


@pytest.mark.parametrize("name", NAMES)
def test_every_study_runs(name, capsys):
    assert main(["-m", f"study={name}", "study.seeds=1", "trainer.epochs=2"]) == 0
    node = OmegaConf.load(config.folder() / "study" / f"{name}.yaml")
    folder = Path("outputs/studies", name)
    assert {run.arm for run in asked(str(folder))} == set(node.arms)
    arms = pd.read_csv(folder / "comparison.csv")
    assert len(arms) == len(node.arms) and list(arms["baseline"].unique()) == [node.baseline]
    assert set(arms["verdict"]) == {"baseline", "too few seeds"}
    assert "Too few seeds for a verdict" in capsys.readouterr().out


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
    assert "1 result of other settings in the folder" in capsys.readouterr().out


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["study=nope"], "study=nope: must be one of combine, regularizers, strengths"),
        (["study=regularizers", "study.baseline=nope"], "study.baseline=nope: must be one of dropout"),
        (["study=regularizers", "study.seeds=0"], "study.seeds=0: must be"),
        (["study=regularizers", "study.seeds=[]"], "study.seeds=[]: must"),
        (["study=regularizers", "study.metric=loss/val"], "study.metric=loss/val: must be"),
        (["study=regularizers,strengths"], "study=regularizers,strengths: one study at a time"),
        (["study=regularizers", "study.common='regularizer.l2=-1'"], "regularizer.l2=-1: must be"),
        (["study=regularizers", "study.arms.l1='a b'"], "a: isn't key=value"),
        (["study=regularizers", "study.arms.l1='\"a'"], "study.arms.l1=\"a: can't be read"),
        (["study=regularizers", "study.arms.l1=3"], "study.arms.l1=3: must be"),
        (["study.seeds=3"], "study.seeds: only some options of study have this key"),
    ],
)
def test_a_wrong_study_gives_one_line_exit_status_2_and_leaves_nothing(capsys, arguments, said):
    assert main(["-m", *arguments]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and shown.out == ""
    assert list(Path().iterdir()) == []


def test_a_study_without_multirun_is_refused(capsys):
    assert main(["study=regularizers"]) == 2
    assert "study=regularizers: is a sweep: python -m ablate -m study=regularizers" in capsys.readouterr().err


def test_a_sweeps_list_reads_back_as_it_was_written(tmp_path):
    sweep = studies.Sweep(["-m"], "mine", "a", "accuracy/test", [studies.Asked("0", "a", 1)], [6])
    sweep.write(tmp_path)
    assert studies.Sweep.read(tmp_path / studies.ASKED) == sweep
    of_earlier_versions = json.loads((tmp_path / studies.ASKED).read_text())
    del of_earlier_versions["looks"]
    (tmp_path / studies.ASKED).write_text(json.dumps(of_earlier_versions))
    assert studies.Sweep.read(tmp_path / studies.ASKED) == replace(sweep, looks=[])
    (tmp_path / studies.ASKED).write_text("[]")
    with pytest.raises(ConfigError):
        studies.Sweep.read(tmp_path / studies.ASKED)


def runs_of(arms: str, seeds: int) -> list[studies.Asked]:
    return [studies.Asked(f"{arm}{seed}", arm, seed) for arm in arms for seed in range(seeds)]


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
    assert studies.looks(tmp_path, new, set()) == []
    studies.Sweep(["-m"], None, None, None, old, earlier).write(tmp_path)
    assert studies.looks(tmp_path, new, {run.run_id for run in old} - lost) == looks


def test_seeds_that_are_added_after_a_look_are_noted(capsys):
    arguments = ["-m", "regularizer=none,l1", *SHORT, "hydra.sweep.dir=sweep"]
    note = "seeds were added after a look"
    for seeds, noted in ((3, ""), (6, ""), (7, f"{note} (6, then 7): "), (8, f"{note} (6, 7, then 8): ")):
        assert main([*arguments, f"seed=range({seeds})"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert noted in said and (note in said) == bool(noted)
    for name in ("comparison.md", "report.html"):
        assert f"{note} (6, 7, then 8)" in Path("sweep", name).read_text()


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


def test_a_study_on_several_data_has_a_table_for_each(capsys):
    arguments = ["study=regularizers", "study.seeds=1", "dataset=digits,noise", "trainer.epochs=1", "model.hidden=[4]"]
    assert main(["-m", *arguments]) == 0
    arms = pd.read_csv("outputs/studies/regularizers/comparison.csv")
    assert len(arms) == 10 and sorted(arms["baseline"].unique()) == ["none dataset=digits", "none dataset=noise"]


def test_an_arm_without_a_row_of_its_own_is_named(capsys):
    arms = ["~study.arms.l2", "~study.arms.dropout", "~study.arms.early_stopping", "+study.arms.same='seed=0,1'"]
    zero = "study.arms.l1='regularizer.l1=0,10'"
    assert main(["-m", "study=regularizers", zero, "study.seeds=2", *arms, *SHORT, "trainer.epochs=4"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "l1: has no row of its own, its settings are those of none" in out
    assert "same: has no row of its own" in out


def test_a_single_run_does_not_touch_a_folder_in_which_another_is_at_work(capsys):
    Path("run").mkdir()
    with FileLock("run/.lock"):
        assert main([*SHORT, "hydra.run.dir=run"]) == 2
    assert [path.name for path in Path("run").iterdir()] == [".lock"]


def test_a_persons_own_files_are_left_alone():
    for name in (".backup.2024", ".notes.1"):
        Path("run", name).mkdir(parents=True)
    Path("run", f".result.json.{2**22 + 1}.ablate-part").write_text("{")
    assert main([*SHORT, "hydra.run.dir=run"]) == 0
    names = {path.name for path in Path("run").iterdir()}
    assert {".backup.2024", ".notes.1"} <= names and not any("ablate-part" in name for name in names)


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
