"""OpenML's tables, of files as scikit-learn keeps them: no network is needed, and its lack is told in one line."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from urllib.error import URLError

import pytest

from ablate import data
from ablate.data import openml
from ablate.utils.errors import ConfigError

ARFF = "@RELATION t\n@ATTRIBUTE a REAL\n@ATTRIBUTE kind {x,z}\n@ATTRIBUTE class {no,yes}\n@DATA\n" + "".join(
    f"{i}.5,{'xz'[i % 2]},{('no', 'yes')[i % 3 == 0]}\n" for i in range(20)
)


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    """Nothing is known from before, and there is no network."""
    openml._read.cache_clear()

    def fails(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", fails)


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder as scikit-learn leaves it."""

    def feature(name: str, kind: str, target: bool) -> dict[str, str]:
        no = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
        return {"name": name, "data_type": kind, "is_target": str(target).lower(), **no}

    described = {
        "id": "7", "name": "t", "version": "1", "description": "", "format": "ARFF", "status": "active", "file_id": "7",
        "url": "https://www.openml.org/data/v1/download/7/t.arff", "default_target_attribute": "class",
        "md5_checksum": hashlib.md5(ARFF.encode(), usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    features = [feature("a", "numeric", False), feature("kind", "nominal", False), feature("class", "nominal", True)]
    files = {
        "api/v1/json/data/7": json.dumps({"data_set_description": described}),
        "api/v1/json/data/features/7": json.dumps({"data_features": {"feature": features}}),
        "api/v1/json/data/qualities/7": json.dumps({"data_qualities": {"quality": []}}),
        "api/v1/json/data/list/data_name/t/limit/2/status/active/": json.dumps(
            {"data": {"dataset": [{"did": 7, "name": "t", "version": 1, "status": "active"}]}}
        ),
        "data/v1/download/7/t.arff": ARFF,
    }
    for name, content in files.items():
        file = tmp_path / "openml" / "openml.org" / f"{name}.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content.encode()))
    return tmp_path


@pytest.mark.parametrize("asked", ["dataset.id=7", "dataset.called=t"])
def test_a_table_is_that_of_its_number_or_name_with_its_usual_target(configured, root, asked):
    found = data.source(configured("dataset=openml", asked, f"dataset.root={root}").dataset)
    assert list(found.x.columns) == ["a", "kind"] and found.target == "class"
    assert found.y.tolist()[:4] == ["yes", "no", "no", "yes"] and found.x["a"].tolist()[:2] == [0.5, 1.5]


def test_another_target_may_be_asked_for(configured, root):
    asked = ("dataset=openml", "dataset.id=7", f"dataset.root={root}")
    assert data.source(configured(*asked, "dataset.target=a").dataset).y.tolist()[:2] == [0.5, 1.5]
    with pytest.raises(ConfigError, match=r"dataset.target=b: must be one of a, class, kind"):
        data.source(configured(*asked, "dataset.target=b").dataset)


def test_without_a_network_what_is_missing_is_told_in_one_line(configured, tmp_path):
    with pytest.raises(ConfigError) as refused:
        data.source(configured("dataset=openml", "dataset.id=61", f"dataset.root={tmp_path}").dataset)
    assert str(refused.value).startswith(f"dataset.id=61: is not in {tmp_path}/openml, or damaged there, and can't be")
    assert "no network" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "dataset.id=null: must be a number, or dataset.called a name: one of the two"),
        (("dataset.id=1", "dataset.called=t"), "dataset.id=1: must be a number, or dataset.called a name"),
        (("dataset.id=1", "dataset.version=2"), "dataset.version=2: is of a name; dataset.id tells the version too"),
    ],
)
def test_a_table_is_named_in_one_way(configured, asked, said):
    with pytest.raises(ConfigError) as refused:
        data.source(configured("dataset=openml", *asked).dataset)
    assert str(refused.value).startswith(said)
