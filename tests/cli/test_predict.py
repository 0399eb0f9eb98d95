"""`ablate predict`, from a trained table to a table of predictions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ablate
from ablate.cli.main import main
from ablate.execution.runs import run_all
from ablate.records.job import Job
from ablate.utils.errors import ConfigError

pytestmark = pytest.mark.usefixtures("elsewhere")


def table(n: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"age": random.normal(40, 10, n).round(1), "city": random.choice(["Rome", "Oslo"], n)})
    frame["out"] = np.where(frame["age"] > 40, "yes", "no")
    frame.loc[:5, "age"] = np.nan
    return frame


@pytest.fixture
def run(configured) -> str:
    """A run on a table with decimal commas."""
    table().to_csv("rows.csv", sep=";", decimal=",", index=False)
    config = configured(
        "dataset=csv", "dataset.path=rows.csv", "dataset.target=out", "dataset.missing=impute", "trainer.epochs=2",
        "model.hidden=[8]", "logging.tensorboard=false",
    )  # fmt: skip
    ((_, result),) = run_all([Job(config, Path("run").absolute())])
    assert result["status"] == "finished"
    return "run"


def test_rows_are_predicted_and_what_they_met_is_said(run, capsys):
    new = table().head(10)
    new.loc[3, "city"] = "Paris"
    new.loc[9, "age"] = 300
    new.insert(0, "note", "x")
    new.to_csv("new.csv", index=False)
    assert main(["predict", run, "new.csv"]) == 0
    shown = capsys.readouterr()
    found = list(csv.DictReader(shown.out.splitlines()))
    assert list(found[0]) == ["row", "prediction", "p(no)", "p(yes)"] and [r["row"] for r in found[:2]] == ["1", "2"]
    p = ablate.load(run).predict_proba(new)
    assert [[float(row["p(no)"]), float(row["p(yes)"])] for row in found] == p.tolist()
    assert [row["prediction"] for row in found] == ablate.load(run).predict("new.csv").tolist()
    said = " ".join(shown.err.split())
    assert "10 samples predicted by none, seed 0: the run that was named" in said
    assert "training had no such column: note" in said
    assert "column age: 6 missing values filled in" in said
    assert "column city: 1 row of a category that training had not (Paris)" in said
    assert "age: 1 of 4 values outside of training's" in said
    assert "held against its column out: accuracy" in said


def test_without_what_is_right_nothing_is_held_against_it(run, capsys):
    table().head(3).drop(columns="out").to_csv("new.csv", index=False)
    assert main(["predict", run, "new.csv", "--keep"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "row,age,city,prediction,p(no),p(yes)"
    assert shown.out.splitlines()[1].startswith("1,,") and "held against" not in shown.err
    table().head(3).assign(out="perhaps").to_csv("new.csv", index=False)
    assert main(["predict", run, "new.csv"]) == 0
    assert "is not compared: dataset.target=out: perhaps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda t: t.drop(columns="age"), "column age: is missing"),
        (lambda t: t.rename(columns={"city": "City"}), "column city: is missing"),
        (lambda t: t.assign(age="old"), "column age: old in row 1 is no number"),
        (lambda t: t.head(0), "new.csv: holds no rows"),
        (lambda t: t.assign(prediction=1), "--keep: the table has a column of the name prediction"),
    ],
)
def test_a_table_that_is_another_one_is_refused_in_a_line(run, capsys, changed, said):
    changed(table().head(5)).to_csv("new.csv", index=False)
    assert main(["predict", run, "new.csv", "--keep"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and said in shown.err and shown.err.count("\n") == 1


def test_a_file_that_is_there_is_left_alone(run, capsys):
    table().head(5).to_csv("new.csv", index=False)
    assert main(["predict", run, "new.csv", "--out", "new.csv"]) == 2
    assert "--out=new.csv: is there already" in capsys.readouterr().err
    assert main(["predict", run, "new.csv", "--out", "told.csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "" and "written to told.csv" in shown.err and len(pd.read_csv("told.csv")) == 5


def test_a_file_that_cant_be_written_is_refused_before_anything_is_computed(capsys):
    for out, said in (("nodir/out.csv", "there is no folder nodir"), ("x" * 300, "is no name for a file")):
        assert main(["predict", "nowhere", "new.csv", "--out", out]) == 2
        assert f"--out={out[:200]}" in (shown := capsys.readouterr().err) and said in shown and shown.count("\n") == 1


def test_labels_do_nothing_to_a_terminal(run, capsys):
    path = Path(run, "prediction.json")
    path.write_text(path.read_text().replace('"yes"', r'"y\u001b[31mes"'))
    table().to_csv("new.csv", index=False)
    assert main(["predict", run, "new.csv"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and shown.startswith(r"row,prediction,p(no),p(y\x1b[31mes)")


def test_a_picture_that_is_damaged_is_named():
    from ablate.data.image_folder import Images

    Path("bad.png").write_bytes(b"no picture")
    with pytest.raises(ConfigError, match=r"^bad\.png: is no picture that can be read$"):
        Images([Path("bad.png")], 8, 1).read(0)


def test_what_is_typed_wrong_is_refused_in_a_line(capsys):
    for words, said in (
        (["predict"], "the following arguments are required: RUN_OR_STUDY, NEW"),
        (["predict", "nowhere", "new.csv"], "nowhere: no such folder"),
        (["predict", "run", "new.csv", "--config-dir", "mine"], "--config-dir=mine: no such folder"),
        (["predict", "run", "new.csv", "--seed", "x"], "invalid int value"),
    ):
        assert main(words) == 2
        assert said in (shown := capsys.readouterr().err) and shown.count("\n") == 1
