"""What a YAML names by `_target_`: its arguments, what is filled in, and what is said where it fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ablate import data, models
from ablate.cli.main import main
from ablate.options.target import TargetDataset, TargetModel
from ablate.preprocessing.splits import split
from ablate.utils.errors import ConfigError

CODE = """\
import numpy as np
from torch import nn


class Net(nn.Module):
    def __init__(self, shape, outputs, width=4, layer=None):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, width), layer or nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, x):
        return self.layers(x)


def samples(name, split_seed, n=100, **kept):
    random = np.random.default_rng(split_seed)
    x = random.normal(size=(n, 3))
    x[0, 0], x[1, 0] = len(name), len(kept)
    return x, (x[:, 1] > 0).astype(int)


def bad(**given):
    raise ValueError("deep down")


def leaves(**given):
    raise SystemExit(3)


def given(what):
    return {"ragged": ([[1], [1, 2]], [0, 1]), "one": [np.zeros((4, 2))],
            "dates": (np.zeros((4, 2)), np.zeros(4, "datetime64[s]")),
            "parts": (np.zeros((4, 2)), np.array([0, 1, 0, 1]), np.ones((2, 2)), np.array([1, 0]))}[what]


def no_module(shape, outputs):
    return 3


NUMBER = 3
"""


@pytest.fixture(autouse=True)
def somebodys(elsewhere, monkeypatch, tmp_path):
    """A module that can be imported, as one on PYTHONPATH."""
    Path("somebodys.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "somebodys", raising=False)


def model(target: str, **arguments: object) -> TargetModel:
    return TargetModel.model_validate({"_target_": f"somebodys.{target}", "name": target, **arguments})


def dataset(target: str, **arguments: object) -> TargetDataset:
    return TargetDataset.model_validate({"_target_": f"somebodys.{target}", "name": target, **arguments})


def test_a_class_gets_its_arguments_and_what_is_known_of_the_data():
    built = models.build(model("Net", width=7, layer={"_target_": "torch.nn.GELU"}), (1, 8, 8), 10, seed=0)
    assert [type(layer).__name__ for layer in built.layers] == ["Flatten", "Linear", "GELU", "Linear"]
    assert built.layers[1].out_features == 7 and built.layers[3].out_features == 10


def test_a_function_gets_the_keys_that_are_ours_where_it_names_them():
    source = data.source(dataset("samples", n=50, more=1, than=2).model_copy(update={"split_seed": 3}))
    assert source.x.shape == (50, 3) and source.x[0, 0] == len("samples") and source.x[1, 0] == 2
    assert source.x[2, 2] == np.random.default_rng(3).normal(size=(50, 3))[2, 2]


def test_a_published_test_part_is_taken_as_it_is():
    source = data.source(dataset("given", what="parts"))
    assert source.test_x is not None and source.test_x.tolist() == [[1, 1], [1, 1]]


def test_arguments_arrive_as_they_are_and_tell_datasets_apart():
    one = split(dataset("samples", scaling="none"), 0)
    other = split(dataset("samples", scaling="none", labels={0: "a", 3: "b"}), 0)
    assert one.fingerprint != other.fingerprint  # the second has one more argument, which it counts
    assert dataset("samples", labels={0: "a"}).arguments == {"labels": {0: "a"}}


def test_a_function_that_is_defined_anew_under_its_name_is_another(monkeypatch):
    before = split(dataset("samples"), 0)
    assert split(dataset("samples"), 0) is before

    def samples(n: int = 100) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(2.0 * n).reshape(n, 2), np.arange(n) % 2

    monkeypatch.setattr(sys.modules["somebodys"], "samples", samples)
    assert split(dataset("samples"), 0).shape == (2,)


WRONG = {
    "no such name": (
        lambda: models.build(model("Nix"), (1, 8, 8), 10, 0),
        "model._target_=somebodys.Nix: can't be imported (there is no somebodys.Nix); "
        "its folder must be installed, on PYTHONPATH, or the one you are in",
    ),
    "no function": (
        lambda: models.build(model("NUMBER"), (1, 8, 8), 10, 0),
        "model._target_=somebodys.NUMBER: must be a class or a function, and is of type int",
    ),
    "a function that raises": (
        lambda: data.source(dataset("bad")),
        "dataset._target_=somebodys.bad: somebodys.py, line 22: ValueError: deep down",
    ),
    "a target of an argument that raises": (
        lambda: models.build(model("Net", layer={"_target_": "somebodys.bad"}), (1, 8, 8), 10, 0),
        "model._target_=somebodys.Net: somebodys.py, line 22: ValueError: deep down",
    ),
    "a function that ends the process": (
        lambda: data.source(dataset("leaves")),
        "dataset._target_=somebodys.leaves: somebodys.py, line 26: SystemExit: 3",
    ),
    "an argument that it doesn't take": (
        lambda: models.build(model("Net", depth=3), (1, 8, 8), 10, 0),
        "model._target_=somebodys.Net: somebodys.py: TypeError: Net.__init__() got an unexpected keyword argument "
        "'depth'",
    ),
    "no module": (
        lambda: models.build(model("no_module"), (1, 8, 8), 10, 0),
        "model=no_module: must give a torch.nn.Module, not int",
    ),
    "no module of this shape": (
        lambda: models.fits(model("Net"), (3,), 10),
        "model=Net: somebodys.py, line 11: RuntimeError: ",
    ),
    "one array": (
        lambda: data.source(dataset("given", what="one")),
        "dataset=given: must give (x, y), (x, y, test_x, test_y), a data frame, a torch Dataset, a pair of these for "
        "training and test, or an ablate.data.Source, not list",
    ),
    "labels that are dates": (
        lambda: data.source(dataset("given", what="dates")),
        "dataset=given: its labels are of type datetime64[s]; must be text or numbers",
    ),
    "a ragged list": (
        lambda: data.source(dataset("given", what="ragged")),
        "dataset=given: what it gives is no array of numbers: ValueError: setting an array element with a sequence.",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_its_file_and_line(what):
    call, said = WRONG[what]
    with pytest.raises(ConfigError) as refused:
        call()
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value)


def test_a_run_is_recorded_as_it_was_asked_for(capsys):
    Path("mine/model").mkdir(parents=True)
    Path("mine/model/net.yaml").write_text("_target_: somebodys.Net\nwidth: 5\n")
    assert main(["--config-dir=mine", "model=net", "trainer.epochs=1", "hydra.run.dir=run"]) == 0
    recorded = json.loads(Path("run/result.json").read_text())["config"]["model"]
    assert recorded == {"name": "somebodys.Net", "_target_": "somebodys.Net", "width": 5}
    assert main(["--config-dir=mine", "model=net", "model.widht=5", "trainer.epochs=1"]) == 2
    assert capsys.readouterr().err == "error: model.widht: no such key; did you mean model.width?\n"
