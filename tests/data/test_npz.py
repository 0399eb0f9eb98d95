"""Arrays in files: what is stored as it is, is mapped and not read; Python's objects never are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ablate import data
from ablate.data import Source
from ablate.utils.errors import ConfigError

X, Y = np.arange(80.0).reshape(20, 4), np.arange(20) % 3


@pytest.fixture
def load(configured) -> Callable[..., Source]:
    def make(path: Path, *overrides: str) -> Source:
        return data.source(configured("dataset=npz", f"dataset.path={path}", *overrides).dataset)

    return make


def test_stored_arrays_are_mapped_in_their_archive(load, tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y, weight=Y + 1.0, other=np.asfortranarray(X * 2), empty=X[:0])
    found = load(tmp_path / "a.npz", "dataset.weight=weight")
    assert isinstance(found.x, np.memmap) and (found.x == X).all() and (found.y == Y).all()
    assert found.weight is not None and (found.weight == Y + 1).all()
    other = load(tmp_path / "a.npz", "dataset.x=other").x
    assert isinstance(other, np.memmap) and (other == X * 2).all()
    with pytest.raises(ConfigError, match=r"its samples have the shape \[0, 4\]"):
        load(tmp_path / "a.npz", "dataset.x=empty")


def test_compressed_ones_and_folders_hold_the_same(load, tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=X, y=Y.astype(str))
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    packed, folder = load(tmp_path / "a.npz"), load(tmp_path, "dataset.y=labels")
    assert (packed.x == X).all() and packed.y.tolist() == Y.astype(str).tolist()
    assert isinstance(folder.x, np.memmap) and (folder.x == X).all() and (folder.y == Y).all()


def test_published_parts_are_named(load, tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:6], y_test=Y[:6])
    train = ("dataset.x=x_train", "dataset.y=y_train")
    found = load(tmp_path / "a.npz", *train, "dataset.test_x=x_test", "dataset.test_y=y_test")
    assert found.test_x is not None and found.test_y is not None and len(found.test_x) == len(found.test_y) == 6
    with pytest.raises(ConfigError, match=r"dataset.test_y=null: must be named, as the other of the two is"):
        load(tmp_path / "a.npz", *train, "dataset.test_x=x_test")


def test_a_sparse_file_of_20_gb_is_not_read(load, tmp_path, monkeypatch):
    monkeypatch.setattr("ablate.data._checks.pieces", lambda x, at: iter([x[:2]]))  # whether all numbers are finite
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (5_000_000, 1000)).flush()
    np.save(tmp_path / "y.npy", np.zeros(5_000_000, np.int8))
    assert load(tmp_path).x.nbytes == 20_000_000_000


def test_a_mapped_array_is_looked_at_piece_by_piece(load, tmp_path, monkeypatch):
    monkeypatch.setattr("ablate.utils.arrays.PIECE", 100)
    np.savez(tmp_path / "a.npz", x=np.where(X == 77, np.nan, X), y=Y)
    with pytest.raises(ConfigError, match=r"its samples hold NaN or infinity \(1 of 20 do\)"):
        load(tmp_path / "a.npz")


def damaged(folder: Path) -> Path:
    np.savez(folder / "a.npz", x=X, y=Y)
    content = bytearray((folder / "a.npz").read_bytes())
    content[content.index(b"\x93NUMPY") + 1] = 0
    (folder / "a.npz").write_bytes(content)
    return folder / "a.npz"


def objects(folder: Path) -> Path:
    np.savez(folder / "a.npz", x=np.array([[{}, 1]], dtype=object), y=Y)
    return folder / "a.npz"


def text(folder: Path) -> Path:
    (folder / "a.npz").write_text("x")
    return folder / "a.npz"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (damaged, "its array x can't be read: ValueError: the magic string is not correct"),
        (objects, "its array x can't be read: ValueError: it holds objects of Python's, which are not read"),
        (text, "is no .npz file: File is not a zip file"),
        (lambda folder: folder, "is no .npz file: a folder without .npy files"),
        (lambda folder: folder / "nix.npz", "there is no such file"),
    ],
)
def test_what_is_no_array_is_refused_in_one_line(load, tmp_path, make, said):
    path = make(tmp_path)
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(refused.value).startswith(f"dataset.path={path}: {said}") and "\n" not in str(refused.value)


def test_an_array_that_is_not_there_is_answered_with_those_that_are(load, tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    with pytest.raises(ConfigError, match=r"dataset.x=data: must be one of x, y"):
        load(tmp_path / "a.npz", "dataset.x=data")
