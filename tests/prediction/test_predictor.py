"""Predictions: those of training's own evaluation, to the last bit, of every kind of task and source."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from safetensors.torch import load_file, save_file

import ablate
from ablate import data
from ablate.cli.main import main
from ablate.execution.runs import run_all
from ablate.prediction import choice, predictor
from ablate.preprocessing.splits import split
from ablate.records.job import Job
from ablate.records.results import read
from ablate.training.stack import Stack
from ablate.utils.errors import ConfigError
from helpers import ROOT, slow_ones

pytestmark = pytest.mark.usefixtures("elsewhere")

SHORT = ("trainer.epochs=2", "model.hidden=[8]", "logging.tensorboard=false")


def rows(n: int = 300) -> pd.DataFrame:
    """A table with a bit of everything."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": np.arange(n) + 1000,
            "age": random.normal(40, 10, n).round(2),
            "city": random.choice(["Rome", "Oslo", "Bonn"], n),
            "seen": pd.date_range("2020-01-01", periods=n).astype(str),
            "weigh": random.uniform(0.5, 2, n).round(3),
        }
    )
    frame["out"] = np.where((frame["age"] > 40) ^ (frame["city"] == "Rome"), "yes", "no")
    frame["kind"] = np.select([frame["age"] > 45, frame["age"] > 35], ["old", "middle"], "young")
    frame["height"] = 150 + frame["age"] / 3 + (frame["city"] == "Oslo") * 10
    frame["a"], frame["b"] = (frame["age"] > 40).astype(int), (frame["city"] == "Oslo").astype(int)
    frame.loc[random.choice(n, 20, replace=False), "age"] = np.nan
    return frame


def trained(configured, *overrides: str, folder: str = "run"):
    """The config of a run and its folder, where it has left its files."""
    config = configured(*SHORT, *overrides)
    ((_, result),) = run_all([Job(config, Path(folder).absolute())])
    assert result["status"] == "finished", result["error"]
    return config, Path(folder)


def table(configured, target: str, *overrides: str):
    rows().to_csv("rows.csv", index=False)
    kept = {"out", "kind", "height", "a", "b"} - {*target.strip("[]").split(",")}
    ignored = f"dataset.ignore=[{','.join(sorted(kept))}]"
    return trained(
        configured,
        "dataset=csv",
        "dataset.path=rows.csv",
        f"dataset.target={target}",
        ignored,
        "dataset.missing=impute",
        *overrides,
    )


def of_test(config) -> pd.DataFrame:
    """The rows of the table that are tested on, in their order."""
    from ablate.preprocessing import parts, targets

    source = data.source(config.dataset)
    wanted = targets.target(source, config.task)
    stratified = wanted.encode(source.y) if wanted.classes else np.zeros(len(source.y), dtype=np.int64)
    return pd.read_csv("rows.csv").iloc[parts.parts(config.dataset, source, stratified)["test"]]


@pytest.mark.parametrize("model", ["mlp", "lenet"])
def test_the_logits_of_the_test_part_are_those_of_training_to_the_last_bit(configured, model):
    config, folder = trained(configured, f"model={model}", "regularizer=dropout")
    (run,) = predictor.load(choice.choose(folder)).runs
    stack = Stack([config])
    state = load_file(folder / "model.safetensors")
    stack.models[0].load_state_dict(state)
    own = type(stack.parameters).of(stack.models, stack.slots)
    part = split(config.dataset, config.split_seed).test
    assert torch.equal(stack.logits("test", own)[0], run.kept.logits(part.x))
    assert len(part) % 128  # the last batch is smaller


@pytest.mark.parametrize(
    ("target", "more"),
    [("out", ()), ("kind", ()), ("height", ()), ("[a,b]", ("task=multilabel",)), ("out", ("dataset.weight=weigh",))],
)
def test_scikit_learn_has_the_metrics_of_the_result_of_what_is_predicted(configured, target, more):
    config, folder = table(configured, target, *more)
    test, model = of_test(config), ablate.load(folder)
    metrics = json.loads((folder / "result.json").read_text())["metrics"]
    weight = test["weigh"].to_numpy(np.float64) if "dataset.weight=weigh" in more else None
    said = model.predict(test)
    if target == "height":
        assert sklearn.metrics.root_mean_squared_error(test["height"], said) == metrics["rmse/test"]
        assert sklearn.metrics.mean_absolute_error(test["height"], said) == metrics["mae/test"]
        assert sklearn.metrics.r2_score(test["height"], said) == metrics["r2/test"]
        assert model.classes == ()
        with pytest.raises(ConfigError, match="numbers are predicted"):
            model.predict_proba(test)
        return
    given = model.predict_proba(test)
    y = test[["a", "b"]] if target == "[a,b]" else test[target]
    assert sklearn.metrics.accuracy_score(y, said, sample_weight=weight) == metrics["accuracy/test"]
    if target == "[a,b]":
        assert model.classes == ("a", "b")
        assert sklearn.metrics.roc_auc_score(y, given, average="macro") == metrics["auc/test"]
        return
    assert model.classes == tuple(sorted(set(rows()[target])))
    assert math.isclose(given.sum(1).max(), 1) and given.shape == (len(test), len(model.classes))
    loss = sklearn.metrics.log_loss(y, given, labels=list(model.classes), sample_weight=weight)
    assert loss == metrics["log_loss/test"]
    if target == "out":
        assert sklearn.metrics.roc_auc_score(y, given[:, 1], sample_weight=weight) == metrics["auc/test"]


@pytest.mark.parametrize(
    "source", slow_ones(["digits", "breast_cancer", "diabetes", "npz", "image_folder"], {"image_folder"})
)
def test_predictions_of_the_test_part_give_its_figures_whatever_the_source(configured, source):
    more = []
    if source == "npz":
        random = np.random.default_rng(0)
        x = random.normal(size=(200, 5))
        np.savez("own.npz", x=x, y=np.where(x[:, 0] > 0, "up", "down"))
        more = ["dataset.path=own.npz"]
    if source == "image_folder":
        pictures(40)
        more = ["dataset.path=pictures", "dataset.size=8", "dataset.channels=1"]
    config, folder = trained(configured, f"dataset={source}", *more)
    read_anew = data.source(config.dataset)
    from ablate.preprocessing import parts, targets

    wanted = targets.target(read_anew, config.task)
    stratified = wanted.encode(read_anew.y) if wanted.classes else np.zeros(len(read_anew.y), dtype=np.int64)
    at = parts.parts(config.dataset, read_anew, stratified)["test"]
    x, y = read_anew.x, read_anew.y[at]
    model = ablate.load(folder)
    said = model.predict(x.iloc[at] if hasattr(x, "iloc") else x[at])
    metrics = json.loads((folder / "result.json").read_text())["metrics"]
    if source == "diabetes":
        assert sklearn.metrics.root_mean_squared_error(y, said) == metrics["rmse/test"]
    else:
        labels = np.array(model.classes)[y] if wanted.numbered else y
        assert sklearn.metrics.accuracy_score(labels, said) == metrics["accuracy/test"]


def pictures(n: int) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for label, level in (("dark", 60), ("light", 190)):
        Path("pictures", label).mkdir(parents=True)
        for i in range(n):
            pixels = (level + random.integers(-50, 50, (8, 8))).astype(np.uint8)
            Image.fromarray(pixels).save(Path("pictures", label, f"{i}.png"))


def test_new_rows_are_read_as_those_of_training_were(configured, capsys):
    frame = rows()
    frame["city"] = frame["city"].replace({"Rome": "New  York", "Bonn": "null"})
    frame["kind"] = frame["kind"].replace("old", "very  old")
    frame.to_csv("rows.csv", index=False)
    _, folder = trained(
        configured,
        "dataset=csv",
        "dataset.path=rows.csv",
        "dataset.target=kind",
        "dataset.ignore=[out,height,a,b]",
        "dataset.missing=impute",
    )
    frame["odd"] = [{}] * len(frame)  # no column of training's, and of no use
    model = ablate.load(folder)
    given = model.predict_proba(frame)
    clean = frame.replace({"city": {"New  York": "New York", "null": None}})
    assert np.array_equal(given, model.predict_proba(clean))
    assert np.array_equal(given, model.predict_proba("rows.csv"))
    assert not np.array_equal(given, model.predict_proba(frame.assign(city="Oslo")))
    frame.drop(columns="odd").to_parquet("rows.parquet")
    assert np.array_equal(given, model.predict_proba("rows.parquet"))
    capsys.readouterr()
    for path in ("rows.csv", "rows.parquet"):
        assert main(["predict", str(folder), path, "--out", f"{path}.told"]) == 0
        told = capsys.readouterr().err
        assert "× null read as missing" in told and "held against its column kind: accuracy" in told
        assert "of a category that training had not" not in told
    with pytest.raises(ConfigError, match=r"^column city holds values of type list; must be numbers, dates or text$"):
        model.predict(frame.assign(city=[[1]] * len(frame)))


@pytest.mark.slow
def test_another_process_in_another_folder_says_the_same_to_the_last_bit(configured):
    config, folder = table(configured, "kind")
    test = of_test(config)
    test.to_csv("new.csv", index=False)
    here = ablate.load(folder).predict_proba(test)
    away = Path("away")
    away.mkdir()
    command = [sys.executable, "-m", "ablate", "predict", str(folder.absolute()), str(Path("new.csv").absolute())]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        [*command, "--out", "told.csv"], cwd=away, env=env, check=True, capture_output=True, text=True
    )
    with (away / "told.csv").open() as file:
        there = [[float(row[f"p({name})"]) for name in ("middle", "old", "young")] for row in csv.DictReader(file)]
    assert np.array_equal(there, here)
    assert "held against its column kind: accuracy" in told.stderr


def test_an_ensemble_averages_the_seeds_of_an_arm(configured):
    for seed in range(2):
        trained(configured, f"seed={seed}", folder=f"runs/{seed}")
    x = data.source(configured("dataset=digits").dataset).x[:20]
    each = [ablate.load(f"runs/{seed}").predict_proba(x) for seed in range(2)]
    both = ablate.load("runs", ensemble=True)
    assert np.array_equal(both.predict_proba(x), np.mean(each, axis=0))
    assert "all of its 2 seeds" in both.why
    assert np.array_equal(ablate.load("runs", seed=1).predict_proba(x), each[1])


def test_what_is_no_such_sample_is_refused_in_a_line(configured):
    _, folder = trained(configured)
    model = ablate.load(folder)
    for x, said in (
        (np.zeros((3, 5)), r"samples have the shape \[5\]; must be \[1, 8, 8\] or \[64\]"),
        (np.zeros((0, 64)), "there are no samples"),
        (np.full((2, 64), np.nan), "hold NaN or infinity"),
        (pd.DataFrame({"x": ["a"]}), r"x: must be numbers; .*trained on pictures of the shape \[1, 8, 8\]: it takes"),
        ([["a", "b"]], "takes samples of the shape"),
        ([[1, 2], [3]], "takes an array of numbers"),
        (np.full((2, 64), 1e300), "too large for 32 bits"),
        ("nowhere.csv", "nowhere.csv: there is no such file"),
        ("nowhere.npy", "nowhere.npy: there is no such file"),
        (str(folder), "was not trained on a folder of pictures"),
    ):
        with pytest.raises(ConfigError, match=said):
            model.predict(x)
    (x := np.zeros((2, 8, 8))).dump("pickled.npy")
    with pytest.raises(ConfigError, match=r"pickled.npy: is no array of numbers"):
        model.predict("pickled.npy")
    assert np.array_equal(model.predict(x.reshape(2, 1, 8, 8)), model.predict(pd.DataFrame(x.reshape(2, 64))))


def test_files_that_somebody_changed_give_one_line_and_run_nothing(configured, tmp_path):
    _, folder = table(configured, "out")
    for name, change, said in (
        ("prediction.json", lambda t: t[:50], "prediction.json: is damaged"),
        (
            "prediction.json",
            lambda t: t.replace('"binary"', '"multiclass"'),
            "target.labels=.*: are 2, which are none of",
        ),
        ("prediction.json", lambda t: t.replace('"no"', "null"), "target.labels"),
        ("prediction.json", lambda t: t.replace('"columns"', '"pickle"'), "inputs"),
        (
            "prediction.json",
            lambda t: json.dumps(json.loads(t) | {"shape": [10**9]}),
            "of memory|another model's weights",
        ),
        ("prediction.json", lambda t: json.dumps(json.loads(t) | {"shape": [3]}), "another model's weights"),
        ("prediction.json", lambda t: json.dumps(json.loads(t) | {"more": 1}), "more: no such key"),
        ("prediction.json", None, "prediction.json: is missing: train the run again"),
        ("prediction.json", lambda t: t.replace('"age"', '"Age"'), "prediction.json: is damaged: features="),
        ("columns.json", lambda t: t[:50], r"run/columns\.json: is damaged: the table's columns can't be read"),
        ("columns.json", None, "its columns are missing"),
        (
            "columns.json",
            lambda t: t.replace("StandardScaler", "os.system"),
            r"run/columns\.json: is damaged: the table's columns",
        ),
        ("model.safetensors", None, "model.safetensors: its weights can't be read: No such file"),
    ):
        path = folder / name
        before = path.read_bytes()
        path.unlink() if change is None else path.write_text(change(before.decode()))
        with pytest.raises(ConfigError, match=said) as raised:
            ablate.load(folder)
        assert "\n" not in str(raised.value)
        path.write_bytes(before)
    state = load_file(folder / "model.safetensors")
    save_file({name: tensor[:1] for name, tensor in state.items()}, folder / "model.safetensors")
    with pytest.raises(
        ConfigError, match=r"hidden1.weight: is float32 \[1, .*\], and the model has float32 \[8, .*another"
    ):
        ablate.load(folder)


def test_what_a_result_names_is_called_only_where_a_folder_of_ones_own_names_it(configured):
    _, folder = trained(configured)
    result = json.loads((folder / "result.json").read_text())
    result["config"]["model"] = {"name": "x", "_target_": "pathlib.Path.touch", "self": {"_target_": "pathlib.Path"}}
    (folder / "result.json").write_text(json.dumps(result))
    with pytest.raises(
        ConfigError, match=r"model._target_=pathlib.Path and pathlib.Path.touch: is code: .*--config-dir"
    ):
        ablate.load(folder)
    result["config"]["model"] = {"name": "nowhere", "hidden": [8]}
    (folder / "result.json").write_text(json.dumps(result))
    with pytest.raises(ConfigError, match=r"model=nowhere: is a model of one's own.*--config-dir DIR"):
        ablate.load(folder)


def test_a_model_of_ones_own_wants_its_folder_and_says_when_it_has_changed(configured):
    Path("mine/model").mkdir(parents=True)
    Path("mine/model/flat.yaml").write_text("_target_: flat.Flat\nunits: 4\n")
    code = (
        "from torch import nn\n\n\nclass Flat(nn.Sequential):\n    def __init__(self, shape, outputs, units):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(64, units), nn.ReLU(), nn.Linear(units, outputs))\n"
    )
    Path("flat.py").write_text(code)
    sys.path.insert(0, str(Path.cwd()))
    try:
        history = ablate.train("model=flat", "trainer.epochs=1", config_dir="mine", progress=False)
        folder, x = history.attrs["folder"], np.zeros((2, 64))
        with pytest.raises(ConfigError, match=r"model._target_=flat.Flat: is code"):
            ablate.load(folder)
        model = ablate.load(folder, config_dir="mine")
        assert model.predict_proba(x).shape == (2, 10) and not model._runs.said
        result = Path(folder, "result.json")
        result.write_text(result.read_text().replace(model.result["origin"]["code"]["flat"], "0" * 16))
        (said,) = ablate.load(folder, config_dir="mine")._runs.said
        assert "flat.py: not the code that the run was trained by" in said
    finally:
        sys.path.remove(str(Path.cwd()))
        sys.modules.pop("flat", None)


def test_predictions_change_nothing_in_the_process(configured):
    _, folder = trained(configured)
    model, x = ablate.load(folder), np.zeros((2, 64))
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    try:
        given = model.predict_proba(x)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.array_equal(given, model.predict_proba(x))
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


def test_a_run_that_did_not_finish_has_nothing_to_predict_with(configured):
    config = configured(*SHORT, "optimizer=sgd", "optimizer.lr=1e9", "regularizer=l2")
    ((_, result),) = run_all([Job(config, Path("run").absolute())])
    assert result["status"] == "diverged" and not Path("run/prediction.json").exists()
    with pytest.raises(ConfigError, match="the run diverged, and has no weights"):
        ablate.load("run")
    assert main(["predict", "run", "x.npy"]) == 2
    assert read([Path("run")])[0]
