"""What is tested on has no say in what is trained on: of every source, by every way to scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ablate import data
from ablate.data import Source
from ablate.preprocessing import making, splits
from ablate.preprocessing.inputs import Scaled
from ablate.preprocessing.targets import target
from helpers import forget_splits

SCALINGS = ("standard", "robust", "quantile", "unit", "none")


def table(n: int = 200) -> pd.DataFrame:
    """Columns of every kind, with gaps."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.normal(50, 9, n),
            "town": random.choice(["Bonn", "Köln", "Trier"], n),
            "seen": pd.date_range("2024-01-01", periods=n).astype(str),
            "visits": random.integers(0, 9, n),
            "patient": random.integers(0, 40, n),
            "outcome": random.choice(["ill", "well"], n),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[3::11, "town"] = None
    return frame


def write(folder: Path) -> None:
    table().to_csv(folder / "table.csv", index=False)
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 4))
    np.savez(folder / "arrays.npz", x=x, y=np.arange(120) % 3, z=x.sum(1))
    for label in ("a", "b"):
        (folder / "images" / label).mkdir(parents=True)
        for i in range(12):
            Image.fromarray(random.integers(0, 255, (4, 4), dtype=np.uint8)).save(folder / f"images/{label}/{i}.png")


CSV = ["dataset=csv", "dataset.path={}/table.csv", "dataset.target=outcome", "dataset.missing=impute"]
SOURCES: dict[str, list[str]] = {
    "csv": CSV,
    "csv, dropped": [*CSV[:3], "dataset.missing=drop"],
    "csv by group": [*CSV, "dataset.group=patient"],
    "csv by time": [*CSV, "dataset.time=seen"],
    "npz": ["dataset=npz", "dataset.path={}/arrays.npz"],
    "npz of numbers": ["dataset=npz", "dataset.path={}/arrays.npz", "dataset.y=z"],
    "npz, read": ["dataset=npz", "dataset.path={}/arrays.npz", "dataset.in_memory=false"],
    "image_folder": ["dataset=image_folder", "dataset.path={}/images", "dataset.size=4", "dataset.channels=1"],
    **{
        name: [f"dataset={name}"]
        for name in ("digits", "noise", "iris", "wine", "breast_cancer", "diabetes", "mnist1d")
    },
    "synthetic": ["dataset=synthetic"],
    "synthetic of numbers": ["dataset=synthetic", "dataset.kind=regression"],
    "fewer samples": ["dataset=wine", "dataset.samples=50"],
}


def changed(source: Source, config: Any, task: str) -> Source:
    """With other samples to test on, and where numbers are to be predicted, other numbers."""
    if source.test_x is not None:
        return replace(source, test_x=np.asarray(source.test_x) * 3.0 + 1000)
    complete = making._complete(source, config)
    at = making.parts(config, complete, making._in_proportion(complete, target(complete, task)))["test"]
    if not making.is_frame(source.x):
        x = np.array(source.x[np.arange(len(source.x))], dtype=np.float64)
        x[at] = 1000 - 3 * x[at]
        y = source.y.copy()
        if y.dtype.kind == "f":
            y[at] += 5000
        return replace(source, x=x, y=y)
    x, rows = source.x.copy(), complete.x.index[at]
    for name in x.columns:
        if x[name].dtype.kind in "iuf":
            x[name] = x[name].astype(float)
            x.loc[rows, name] = 1000 - 3 * x.loc[rows, name]
        elif name == "town":
            x.loc[rows, name] = "Worms"
        elif name == "seen":
            x.loc[rows, name] = "1999-09-09"
    y = source.y.copy()
    if y.dtype.kind == "f":
        y[source.x.index.get_indexer(rows)] += 5000
    return replace(source, x=x, y=y)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("name", SOURCES)
def test_other_samples_to_test_on_change_nothing_that_is_trained_on(configured, tmp_path, monkeypatch, name, scaling):
    write(tmp_path)
    config = configured(*(word.format(tmp_path) for word in SOURCES[name]), f"dataset.scaling={scaling}")
    dataset = config.dataset.model_copy(update={"split_seed": config.split_seed})
    source = data.source(dataset)
    if scaling == "quantile" and not making.is_frame(source.x):
        pytest.skip("arrays have no scaling by ranks")
    before = splits.split(dataset, 0)
    forget_splits()
    other = changed(source, dataset, config.task)
    monkeypatch.setattr(data, "source", lambda config: other)
    after = splits.split(dataset, 0)
    everything = np.arange(len(before.test))
    assert not np.array_equal(before.test.samples[everything], after.test.samples[everything])
    for one, two in ((before.train, after.train), (before.val, after.val)):
        everything = np.arange(len(one))
        assert np.array_equal(one.samples[everything], two.samples[everything])
        assert torch.equal(one.y, two.y)
    assert before.target == after.target
    if isinstance(before.inputs, Scaled):
        assert (before.inputs.shift == after.inputs.shift).all() and (before.inputs.scale == after.inputs.scale).all()
    else:
        assert before.inputs.dumps() == after.inputs.dumps()
    forget_splits()
