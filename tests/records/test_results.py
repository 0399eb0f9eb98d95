"""Results as they are read back: what is damaged is named and left out."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ablate.records import results
from ablate.records.results import LARGEST, read
from helpers import result


def changed(folder: Path, **values: Any) -> None:
    """A result in which values stand elsewhere than they should; keys may be paths, None takes a key away."""
    result(folder, "none", 0, 0.9)
    path = folder / "result.json"
    content = json.loads(path.read_text())
    for where, value in values.items():
        *above, last = where.split("__")
        node = content
        for key in above:
            node = node[key]
        node[last] = value
        if value is None:
            del node[last]
    path.write_text(json.dumps(content))


def complaint(folder: Path) -> str:
    """What is said of the one result in a folder, which must not count."""
    found, complaints = read([folder])
    assert not found and len(complaints) == 1 and complaints[0].isprintable()
    return complaints[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": "fine"}, "status=fine: must be 'finished', 'failed' or 'diverged'"),
        ({"arm": None}, "arm: is missing"),
        ({"metrics": None}, "metrics: is missing"),
        ({"config__regularizer": None}, "config.regularizer: is missing"),
        ({"config__dataset__name": None}, "config.dataset.name: is missing"),
        ({"seed": "0"}, "seed=0: must be a valid integer"),
        ({"seed": 10**30}, "seed=1000000000000000000000000000000: must be less than"),
        ({"seed": 1}, "seed=1: its config says 0"),
        ({"metrics": []}, "metrics=[]: must be a valid dictionary"),
        ({"metrics__accuracy/test": "NaN"}, "metrics.accuracy/test=NaN: must be a valid number"),
        ({"metrics__accuracy/test": math.nan}, "must be a finite number"),
        ({"metrics__accuracy/test": 1.5}, "metrics.accuracy/test=1.5: must be from 0 to 1"),
        ({"metrics": {"loss/val": 0.1}}, "a finished run has figures of the test part"),
        ({"metrics__loss/val": 10**400}, "must be a valid number"),
        ({"metrics__loss/val": 1e200}, "metrics.loss/val=1e+200: must be less than or equal to 1"),
        ({"config__dataset__val_fraction": 0.3, "config__dataset__test_fraction": 0.7}, "leave nothing to train on"),
        ({"config__regularizer__l1": 10**400}, "must be from -1e+100 to 1e+100"),
        ({"config__regularizer__\udcff": 0.1}, "must be one line that can be printed"),
        ({"config__dataset__\x1b]0;a": 1}, "must be one line that can be printed"),
        ({"config__optimizer__lr": math.inf}, "must be a finite number"),
        ({"config__model__hidden": json.loads("[" * 150 + "]" * 150)}, "must have at most 100 levels"),
        ({"origin": {"code": {"a": 1}}}, "origin.code.a=1: must be a valid string"),
        ({"arm": "\x1b[2Jnone"}, "must be one line that can be printed"),
        ({"run_id": ["a"]}, "run_id=[a]: must be a valid string"),
        ({"config__early_stopping__patience": {}}, "config.early_stopping.patience={}: must be a valid integer"),
        ({"epochs": "ten"}, "epochs=ten: must be a valid integer"),
    ],
)
def test_what_is_missing_or_of_another_type_is_named_and_the_run_left_out(tmp_path, values, said):
    changed(tmp_path / "a", **values)
    assert f"{tmp_path / 'a' / 'result.json'}: run skipped: " in complaint(tmp_path) and said in complaint(tmp_path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"data": {"rows": {"test": 0}}}, "data.rows.test=0: must be greater than or equal to 1"),
        ({"data": {"shares": [1.5]}}, "data.shares=[1.5]: its 1.5 must be less than or equal to 1"),
        ({"data": {"trivial": {"accuracy/test": "all"}}}, "data.trivial.accuracy/test=all: must be a valid number"),
        ({"data": {"trivial": {"arm": 1}}}, "data.trivial.arm"),
        ({"model": {"parameters": -1}}, "model.parameters=-1: must be greater than or equal to 0"),
        ({"versions": ["1"]}, "versions=[1]: must be a valid dictionary"),
        ({"versions": {"torch": {}}}, "versions.torch={}: must be a valid string"),
        ({"versions": {"\udcff": "1"}}, "must be one line that can be printed"),
        ({"machine": "a big one"}, "machine=a big one: must be a group of keys"),
        ({"machine": {"cores": "all"}}, "machine.cores=all: must be a valid integer"),
        ({"seconds": -1}, "seconds=-1: must be greater than or equal to 0"),
        ({"seconds": 10**400}, "must be a valid number"),
        ({"weights": {"near_zeros": 1e300}}, "weights.near_zeros=1e+300: must be less than or equal to 1"),
        ({"best_epoch": -3}, "best_epoch=-3: must be greater than or equal to 0"),
        ({"stopped_epoch": 2**80}, "must be less than"),
        ({"error": "a\nb"}, "must be one line that can be printed"),
        ({"metrics__arm": 0.5}, "metrics.arm: is no metric"),
        ({"metrics__status": "finished"}, "metrics.status: is no metric"),
        ({"metrics__l1": 0.5, "metrics__\x1b]0;a": 1, "metrics__gap": 1, "metrics__seed": 1}, "and 1 more"),
    ],
)
def test_what_only_describes_a_run_is_left_out_and_named_where_it_does_not_fit(tmp_path, values, said):
    whole = tmp_path / "whole"
    result(whole, "none", 0, 0.9)
    changed(tmp_path / "a", **values)
    found, complaints = read([tmp_path / "a", whole])
    assert len(found) == 2 and len(complaints) == 1 and complaints[0].isprintable()
    assert f"{tmp_path / 'a' / 'result.json'}: left out: " in complaints[0] and said in complaints[0]
    decides = ("status", "run_id", "arm", "seed", "config", "metrics", "origin")
    assert all(found[0][name] == found[1][name] for name in decides)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"[]", "holds no JSON object"),
        (b"{}", "is missing"),
        (b'{"status": "\xff"}', "can't decode"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"1" * 10_000, "Exceeds the limit"),
    ],
)
def test_a_file_that_is_no_result_is_named_and_left_out(tmp_path, content, said):
    (tmp_path / "result.json").write_bytes(content)
    assert said in complaint(tmp_path)


def test_what_is_no_file_or_far_too_large_is_not_read(tmp_path):
    for name in ("folder", "huge", "pipe"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder/result.json").mkdir()
    os.truncate(os.open(tmp_path / "huge/result.json", os.O_CREAT | os.O_RDWR), LARGEST + 1)
    os.mkfifo(tmp_path / "pipe/result.json")
    found, complaints = read([tmp_path])
    assert not found and len(complaints) == 3
    assert sum("is no file" in line for line in complaints) == 2


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", "epoch,x\n", "epoch,x\n9,1\n", "epoch,x,y\n9,1\n10,2\n", "epoch,x,y\n9,1,1\n10,2,3"]
)
def test_a_run_whose_history_is_damaged_does_not_count(tmp_path, content):
    result(tmp_path / "a", "none", 0, 0.9)
    history = tmp_path / "a" / "history.csv"
    history.write_text(content)
    assert "history.csv: run skipped" in complaint(tmp_path)
    history.write_text("epoch,x\r\n9,1\r\n10,2\r\n")
    assert len(read([tmp_path])[0]) == 1


@pytest.mark.parametrize("content", [b"", b"\1\2", b"\xff" * 100, None], ids=["empty", "short", "odd", "cut"])
def test_a_run_whose_weights_are_damaged_does_not_count(tmp_path, content):
    result(tmp_path / "a", "none", 0, 0.9)
    weights = tmp_path / "a" / "model.safetensors"
    save_file({"a": torch.ones(3), "b": torch.ones(2, 2)}, weights)
    assert len(read([tmp_path])[0]) == 1
    weights.write_bytes(weights.read_bytes()[:-1] if content is None else content)
    assert "model.safetensors: run skipped" in complaint(tmp_path)


def test_kernels_are_neither_biases_nor_parameters_of_norms(tmp_path):
    ones = {
        "a.weight": (2, 2),
        "a.bias": (2,),
        "norm.weight": (2,),
        "norm.running_mean": (2,),
        "c.weight": (1, 1, 3, 3),
    }
    save_file({name: torch.ones(shape) for name, shape in ones.items()}, tmp_path / "model.safetensors")
    assert set(results.kernels(tmp_path)) == {"a.weight", "c.weight"}


def test_a_run_of_nested_arguments_is_read(configured, tmp_path):
    """As `_target_` takes them: any depth, lists of groups; text that can't be printed is refused there too."""
    folder = tmp_path / "run"
    result(
        folder, "none", 0, 0.9, model={"name": "a.b", "_args_": [{"_target_": "c", "deep": {"er": {"x": [[1, "y"]]}}}]}
    )
    found, complaints = read([tmp_path])
    assert len(found) == 1 and not complaints
    result(tmp_path / "other", "none", 1, 0.9, model={"name": "a.b", "_args_": [{"x": "a\x1bb"}]})
    found, complaints = read([tmp_path])
    assert len(found) == 1 and len(complaints) == 1 and "must be one line that can be printed" in complaints[0]


def history(folder: Path, *rows: str) -> list[list[float]] | None:
    """What is read of a history with these rows; None where nothing is."""
    folder.mkdir()
    (folder / "history.csv").write_text("epoch,loss/val\n" + "".join(f"{row}\n" for row in rows))
    read = results.history(folder)
    return None if read.empty else read.reset_index().to_numpy().tolist()


def test_figures_of_a_history_that_cannot_be_drawn_are_none(tmp_path):
    odd = ["inf", "-inf", "1e300", "-1e308", "1e999", "nan", ""]
    read = history(tmp_path / "a", *(f"{epoch},{value}" for epoch, value in enumerate([*odd, "0.5", "1e90"], start=1)))
    assert read is not None and [row[0] for row in read] == list(range(1, 10))
    assert all(math.isnan(row[1]) for row in read[:7]) and [row[1] for row in read[7:]] == [0.5, 1e90]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["1,a"],
        ["1,2,3"],
        ["2,1", "1,1"],
        ["1,1", "1,1"],
        ["0,1"],
        ["1.5,1"],
        ["inf,1"],
        ["nan,1"],
        ["9" * 400 + ",1"],
    ],
)
def test_a_history_that_is_none_is_left_out_and_named(tmp_path, capsys, rows):
    assert history(tmp_path / "a", *rows) is None
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and f"{tmp_path / 'a' / 'history.csv'}: left out of the curves: " in err


def weights(folder: Path, kind: torch.dtype, values: list[float]) -> list[float]:
    """What is read of a kernel of these values."""
    save_file({"a.weight": torch.tensor(values, dtype=torch.float64).to(kind)[None]}, folder / "model.safetensors")
    return [value for each in results.kernels(folder).values() for value in each.tolist()]


def test_weights_are_read_in_every_precision(tmp_path, capsys):
    exact = [1.0, -0.5, 0.0, 3.0]
    for kind in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        assert weights(tmp_path, kind, exact) == exact
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (torch.float64, 1.7e308, "1 value beyond 32 bits"),
        (torch.float32, math.nan, "1 value beyond 32 bits"),
        (torch.float8_e5m2, 1.0, "holds F8_E5M2: must be one of BF16, F16, F32, F64"),
        (torch.int32, 1.0, "holds I32: must be one of"),
    ],
)
def test_weights_that_have_no_histogram_are_left_out_and_named(tmp_path, capsys, kind, value, said):
    assert set(weights(tmp_path, kind, [1.0, value])) <= {1.0}
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "model.safetensors: left out of the histograms: " in err and said in err


def test_of_large_weights_a_part_of_each_kernel_is_read(tmp_path):
    save_file({f"{i}.weight": torch.full((i, 1000), float(i)) for i in (1, 3)}, tmp_path / "model.safetensors")
    read = results.kernels(tmp_path, most=1600)
    assert {name: len(values) for name, values in read.items()} == {"1.weight": 100, "3.weight": 300}


@pytest.mark.parametrize("name", ["history.csv", "model.safetensors", "result.json"])
def test_a_pipe_is_not_waited_for_and_a_device_has_no_end(tmp_path, name):
    for place, make in (("a", os.mkfifo), ("b", lambda path: path.symlink_to("/dev/zero"))):
        result(tmp_path / place, "none", 0, 0.9)
        (tmp_path / place / name).unlink(missing_ok=True)
        make(tmp_path / place / name)
    found, complaints = read([tmp_path])
    assert not found and [f"{name}: run skipped: is no file" in line for line in complaints] == [True, True]
