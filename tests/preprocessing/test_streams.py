"""Samples that are read while training."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.data import Source
from ablate.preprocessing.fingerprints import fingerprint
from ablate.preprocessing.inputs import Scaled
from ablate.preprocessing.splits import split
from ablate.preprocessing.streams import Joined, Stream, read
from ablate.utils import arrays
from ablate.utils.arrays import fresh
from ablate.utils.errors import ConfigError
from helpers import figures, trained


@pytest.fixture
def mapped(tmp_path: Path) -> np.memmap:
    random = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", random.normal(3, 5, (300, 2, 4)).astype(np.float32))
    np.save(tmp_path / "y.npy", random.integers(0, 3, 300))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


@pytest.mark.parametrize("kind", ["standard", "unit", "none"])
def test_scaling_is_that_of_the_whole_whatever_the_pieces(mapped, kind, monkeypatch):
    at = np.arange(0, 300, 2)
    whole = Scaled.fit(np.asarray(mapped), at, kind)
    monkeypatch.setattr(arrays, "PIECE", 8 * 8 * 16)
    parts = Scaled.fit(mapped, at, kind)
    assert parts.shift == pytest.approx(whole.shift) and parts.scale == pytest.approx(whole.scale)
    rows = np.asarray(mapped)[at].astype(np.float64)
    if kind == "standard":
        assert whole.shift == pytest.approx(rows.mean((0, 2), keepdims=True))
        assert whole.scale == pytest.approx(rows.std((0, 2), keepdims=True))


def test_a_stream_gives_what_is_asked_for_in_that_order(mapped):
    scaled = Scaled.fit(mapped, np.arange(100), "standard")
    stream = Stream(mapped, np.arange(50, 150), scaled)
    index = np.array([7, 3, 99, 7])
    assert (stream[index] == scaled.transform(np.asarray(mapped)[50 + index])).all()
    assert (stream[3] == stream[np.array([3])][0]).all() and stream.shape == (100, 2, 4)
    other = Stream(mapped, np.arange(10), Scaled.fit(mapped, np.arange(10), "none"))
    both = Joined([stream, other])
    found = both[np.array([100, 0, 109])]
    assert both.shape == (110, 2, 4)
    assert (found[0] == mapped[0]).all() and (found[1] == stream[0]).all() and (found[2] == mapped[9]).all()
    batches = [np.array([[1, 2], [0, 105]]), np.array([[4], [4]])]
    for batch, x in zip(batches, read(both, batches), strict=True):
        assert torch.equal(x, torch.from_numpy(both[batch.reshape(-1)]))


def test_what_is_too_large_for_32_bits_is_said_when_it_is_read():
    x = np.full((3, 2), 1e300)
    with pytest.raises(ConfigError, match="too large for 32 bits"):
        Stream(x, np.arange(3), Scaled.fit(x, np.arange(3), "none"))[np.array([0])]


def test_a_mapped_array_is_mapped_anew_and_others_are_not(mapped):
    again = fresh(mapped)
    assert again is not mapped and (again == mapped).all()
    part = mapped[5:]
    assert (fresh(part) == part).all()


def test_large_files_are_told_by_size_and_time_and_small_ones_by_what_they_hold(mapped, monkeypatch):
    source, copied = (Source(x, np.zeros(300, int)) for x in (mapped, np.array(mapped)))
    known = fingerprint(source)
    assert known == fingerprint(copied) != fingerprint(Source(np.array(mapped) + 1, np.zeros(300, int)))
    os.utime(mapped.filename, (1, 1))
    assert fingerprint(source) == known
    monkeypatch.setattr("ablate.preprocessing.fingerprints.WHOLE", 100)
    before = fingerprint(source)
    assert fingerprint(source) == before
    os.utime(mapped.filename, (2, 2))
    assert fingerprint(source) != before


@pytest.mark.parametrize("beside", [(), ("dataset.split_seed=null",)])
def test_figures_are_those_of_samples_in_memory(mapped, configured, beside):
    folder = Path(str(mapped.filename)).parent
    words = ["dataset=npz", f"dataset.path={folder}", "trainer.epochs=2", "model.hidden=[8]", *beside]
    runs = [
        trained([configured(*words, f"dataset.in_memory={kept}", f"seed={seed}") for seed in (0, 1)])
        for kept in ("true", "false")
    ]
    for in_memory, streamed in zip(*runs, strict=True):
        assert figures(in_memory) == figures(streamed)
        assert in_memory[-1].ending.metrics == streamed[-1].ending.metrics


def test_tables_are_read_into_memory(configured):
    config = configured("dataset=iris", "dataset.in_memory=false")
    with pytest.raises(ConfigError, match=r"dataset\.in_memory=false: is for arrays and images"):
        split(config.dataset, 0)


class _Broken(Stream):
    def __getitem__(self, index):
        raise ConfigError("b.png: can't be read")


def test_what_cannot_be_read_is_one_line_from_a_reader_too(mapped):
    broken = _Broken(mapped, np.arange(10), Scaled.fit(mapped, np.arange(10), "none"))
    with pytest.raises(ConfigError, match=r"^b\.png: can't be read$"):
        next(read(Joined([broken]), [np.array([[1, 2]])]))
