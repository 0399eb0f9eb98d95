"""What functions of one's own may return, and which keys are theirs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablate import data
from ablate.data import Source
from ablate.options.target import TargetDataset
from ablate.utils.errors import ConfigError

CODE = """\
import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from ablate.data import Source

X = np.arange(80.0).reshape(20, 4)
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(y=["no", "yes"] * 10, who=np.arange(20) // 4)


class Pictures(Dataset):
    read = 0
    targets = [0, 1] * 10

    def __len__(self):
        return 20

    def __getitem__(self, place):
        Pictures.read += 1
        return torch.full((3, 4, 4), float(place)), self.targets[place]


class Odd(Pictures):
    targets = None

    def __getitem__(self, place):
        if self.kind == "raises":
            raise KeyError("deep")
        x = {"shape": torch.zeros(3 + place), "nan": torch.tensor([float("nan")]), "text": "x"}.get(self.kind)
        return x if self.kind == "alone" else (x, place % 2)


class Stream(IterableDataset):
    def __iter__(self):
        yield 1


def texts():
    return X, ["no", "yes"] * 10


def booleans():
    return X, np.arange(20) % 2 == 0


def column():
    return X, np.arange(20.0)[:, None]


def several():
    return X, np.arange(40).reshape(20, 2) % 2 == 0


def tensors():
    return torch.tensor(X), torch.arange(20) % 2


def frame():
    return FRAME


def frames():
    return FRAME, FRAME[:5]


def apart():
    return FRAME.drop(columns="y"), FRAME["y"]


def apart_by_four():
    return FRAME[["a"]], FRAME["y"], FRAME[["a"]][:5], FRAME["y"][:5]


def pictures():
    return Pictures()


def datasets():
    return TensorDataset(torch.tensor(X), torch.arange(20) % 2), TensorDataset(torch.tensor(X[:4]), torch.arange(4) % 2)


def odd(kind):
    found = Odd()
    found.kind = kind
    return found


def stream():
    return Stream()


def sized(samples, target="no"):
    return X[:samples], np.arange(samples) % 2 + (target == "much")


def many(**given):
    return FRAME


def whole(framed):
    return Source(FRAME[["a", "b"]] if framed else X, FRAME["y"].to_numpy())
"""


@pytest.fixture(autouse=True)
def theirs(elsewhere, monkeypatch, tmp_path):
    Path("theirs.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "theirs", raising=False)


def config(function: str, **keys: Any) -> TargetDataset:
    return TargetDataset.model_validate({"_target_": f"theirs.{function}", "name": function, **keys})


def source(function: str, **keys: Any) -> Source:
    return data.source(config(function, **keys))


def test_labels_may_be_text_truths_numbers_or_several():
    assert source("texts").y.tolist()[:2] == ["no", "yes"]
    assert source("booleans").y.tolist()[:2] == ["True", "False"]
    assert source("column").y.tolist()[:3] == [0.0, 1.0, 2.0]
    assert source("several").y.tolist()[:2] == [[1, 0], [1, 0]]
    assert source("tensors").y.tolist()[:2] == [0, 1]


def test_a_data_frame_has_the_keys_of_tables():
    found = source("frame", target="y", group="who")
    assert list(found.x.columns) == list("abcd") and found.y.tolist()[:2] == ["no", "yes"]
    assert found.group is not None and found.group.tolist()[:5] == [0, 0, 0, 0, 1]
    with pytest.raises(ConfigError, match=r"dataset.target=null: the column that is to be predicted"):
        source("frame")


def test_data_frames_may_be_training_and_test_or_features_and_labels():
    found = source("frames", target="y")
    assert found.test_x is not None and len(found.test_x) == 5
    assert source("apart").target == "y" and list(source("apart", group="who").x.columns) == list("abcd")
    four = source("apart_by_four")
    assert four.test_y is not None and four.test_y.tolist() == ["no", "yes", "no", "yes", "no"]


def test_a_dataset_is_read_when_it_is_asked_for():
    found = source("pictures")
    assert found.x.shape == (20, 3, 4, 4) and found.x.dtype == np.float32 and found.y.tolist()[:2] == [0, 1]
    assert sys.modules["theirs"].Pictures.read == 1  # to know the shape; labels are at hand
    assert found.x[np.array([3, 5])][:, 0, 0, 0].tolist() == [3, 5] and found.x[-1].mean() == 19


def test_a_pair_of_datasets_is_training_and_test():
    found = source("datasets")
    assert found.x.shape == (20, 4) and found.test_x is not None and found.test_x.shape == (4, 4)
    assert found.y.tolist()[:3] == [0, 1, 0] and found.test_y is not None and found.test_y.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"kind": "raises"}, "dataset=odd: its sample 0: KeyError: 'deep'"),
        ({"kind": "alone"}, "dataset=odd: its Dataset must give (x, y), not NoneType"),
        ({"kind": "text"}, "dataset=odd: its sample 0 is of type str; must be numbers"),
        ({"kind": "shape"}, "dataset=odd: its sample 1 has the shape [4]; must be [3], as the first"),
        ({"kind": "nan"}, "dataset=odd: its sample 0 holds NaN or infinity"),
    ],
)
def test_a_dataset_that_gives_something_else_is_refused(keys, said):
    with pytest.raises(ConfigError) as refused:
        source("odd", **keys).x[:]
    assert str(refused.value) == said


def test_a_stream_is_refused():
    with pytest.raises(ConfigError, match="its Dataset has no length; must be one that can be indexed"):
        source("stream")


def test_a_key_that_the_function_names_is_its_own_and_no_other():
    found = config("sized", samples=6, target="much")
    assert found.samples is None and found.target is None and found.arguments == {"samples": 6, "target": "much"}
    assert data.source(found).y.tolist() == [1, 2, 1, 2, 1, 2]
    told = found.model_dump()
    assert told["samples"] == 6 and told["target"] == "much"
    assert TargetDataset.model_validate(told) == found
    assert found.decides() != config("sized", samples=7, target="much").decides()


def test_a_function_that_takes_anything_leaves_our_keys_ours():
    found = config("many", samples=6, target="y", other=1)
    assert found.samples == 6 and found.target == "y" and found.arguments == {"other": 1}
    assert data.source(found).target == "y"


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("texts", {"target": "y"}, "dataset.target=y: is for tables; the function gave arrays"),
        ("tensors", {"missing": "impute"}, "dataset.missing=impute: is for tables; the function gave arrays"),
        ("several", {"rare": 0.1}, "dataset.rare=0.1: is for tables; the function gave arrays"),
        ("datasets", {"ignore": ["a"]}, "dataset.ignore=[a]: is for tables; the function gave a Dataset"),
        ("whole", {"framed": False, "date": ["a"]}, "dataset.date=[a]: is for data frames; the function gave a Source"),
        ("whole", {"framed": True, "group": "b"}, "dataset.group=b: is for data frames; the function gave a Source"),
    ],
)
def test_keys_of_tables_are_refused_where_none_is_given(name, keys, said):
    with pytest.raises(ConfigError) as refused:
        source(name, **keys)
    assert str(refused.value) == said


def test_keys_of_columns_are_taken_of_a_source_with_a_frame():
    assert list(source("whole", framed=True, category=["a"], missing="impute").x) == ["a", "b"]
