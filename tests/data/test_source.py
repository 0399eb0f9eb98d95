"""Samples that can't be used, and files that are damaged: each is named in one line."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ablate.data import Source, _torchvision, cifar10, digits
from ablate.utils.errors import ConfigError
from ablate.preprocessing.splits import Split, _split, split

X, Y = np.arange(120.0).reshape(30, 4), np.arange(30) % 3
IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = _torchvision.MNIST_FILES


@pytest.fixture
def sampled(configured, monkeypatch) -> Iterator[Callable[..., Split]]:
    """sampled(x, y): the split of these samples, given as if they were digits."""

    def make(
        x: np.ndarray = X,
        y: np.ndarray = Y,
        test_x: np.ndarray | None = None,
        test_y: np.ndarray | None = None,
        scaling: str = "standard",
    ) -> Split:
        monkeypatch.setattr(digits, "load", lambda config: Source(x, y, 3, test_x, test_y))
        _split.cache_clear()
        return split(configured(f"dataset.scaling={scaling}"))

    yield make
    _split.cache_clear()


def with_(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.astype(float)
    changed[-1] = value
    return changed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": with_(X, np.nan)}, "its samples hold NaN or infinity (1 of 30 do); must be finite numbers"),
        ({"x": with_(X, np.inf)}, "its samples hold NaN or infinity"),
        ({"x": X[:, 0]}, r"its samples have the shape \[30\]; must be"),
        ({"x": X[:0], "y": Y[:0]}, r"its samples have the shape \[0, 4\]"),
        ({"x": X[:, :0]}, r"its samples have the shape \[30, 0\]"),
        ({"x": X.astype(object)}, "its samples are of type object; must be numbers"),
        ({"y": Y[:-1]}, r"its labels have the shape \[29\]; must be one a sample, \[30\]"),
        ({"y": Y[:, None]}, r"its labels have the shape \[30, 1\]"),
        ({"y": Y.astype(float)}, "its labels are of type float64; must be whole numbers from 0 to 2"),
        ({"y": Y.astype(str)}, "its labels are of type <U21; must be whole numbers"),
        ({"y": Y - 1}, "its labels go from -1 to 1; must be whole numbers from 0 to 2"),
        ({"y": Y + 1}, "its labels go from 1 to 3"),
        ({"y": Y * 0}, "its labels lack 1, 2; every one of the 3 classes must be there"),
        ({"x": X[:2], "y": Y[:2]}, "its labels lack 2"),
        ({"test_x": X[:, :3], "test_y": Y}, r"its test samples have the shape \[3\]; must be \[4\], as the others"),
        ({"test_x": X, "test_y": Y + 9}, "its test labels go from 9 to 11"),
        ({"test_x": with_(X, np.nan), "test_y": Y}, "its test samples hold NaN"),
        ({"x": X * 1e300, "scaling": "none"}, "dataset.scaling=none: makes numbers that are too large for 32 bits"),
    ],
)
def test_samples_that_cannot_be_used_are_refused_in_one_line(sampled, given, said):
    with pytest.raises(ConfigError, match=said.replace("(1 of 30 do)", r"\(1 of 30 do\)")) as refused:
        sampled(**given)
    assert str(refused.value).startswith("dataset") and "\n" not in str(refused.value)


@pytest.mark.parametrize("x", [X[:, [0, 0, 1, 1]], X * 0, X.astype(np.uint8), X.astype(np.float16), X > 50, X * 1e-300])
def test_constant_equal_and_tiny_columns_and_any_type_of_number_are_fine(sampled, x):
    parts = sampled(x)
    assert parts.train.x.isfinite().all() and len(parts.train) == 18


def idx(sizes: tuple[int, ...], content: np.ndarray | None = None, magic: bytes = b"\0\0\x08") -> bytes:
    pixels = np.zeros(sizes, np.uint8) if content is None else content.astype(np.uint8)
    return magic + bytes([len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + pixels.tobytes()


@pytest.fixture
def mnist(tmp_path) -> Path:
    """A folder of MNIST's files with 40 + 40 images."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in _torchvision.MNIST_FILES:
        whole = idx((40, 4, 4), np.arange(640) % 251) if "images" in name else idx((40,), np.arange(40) % 10)
        (folder / name).write_bytes(whole)
    return folder


def load(configured, mnist: Path) -> None:
    split(configured("dataset=mnist", f"dataset.root={mnist.parents[1]}", "dataset.val_fraction=0.5"))


def test_files_in_mnists_format_are_read(configured, mnist):
    load(configured, mnist)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (IMAGES, b"", "is damaged: it doesn't begin as a file in MNIST's format must"),
        (IMAGES, b"\0\0\x08\x03", "is damaged: it doesn't begin"),
        (IMAGES, bytes(1000), "is damaged: it doesn't begin"),
        (IMAGES, idx((40, 4, 4), magic=b"\0\0\x0d"), "is damaged: it doesn't begin"),
        (IMAGES, idx((40,)), "is damaged: it doesn't begin"),
        (IMAGES, idx((40, 4, 4))[:-1], "is damaged: it has 655 bytes, and 40 × 4 × 4 take 656"),
        (IMAGES, idx((40, 4, 4)) + b"\0", "is damaged: it has 657 bytes"),
        (IMAGES, idx((0, 4, 4)), r"its samples have the shape \[0, 1, 4, 4\]"),
        (IMAGES, b"\0\0\x08\x03" + b"\xff" * 12, "is damaged: it has 16 bytes, and 4294967295 × "),
        (LABELS, idx((39,)), r"its labels have the shape \[39\]; must be one a sample, \[40\]"),
        (LABELS, idx((40,), np.arange(40) % 11), "its labels go from 0 to 10; must be whole numbers from 0 to 9"),
        (LABELS, idx((40,)), "its labels lack 1, 2, 3"),
        (TEST_IMAGES, idx((40, 4, 5)), r"its test samples have the shape \[1, 4, 5\]; must be \[1, 4, 4\]"),
        (TEST_LABELS, idx((40,))[:20], "is damaged: it has 20 bytes"),
        (TEST_LABELS, None, "can't be read: Is a directory"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong_with_it(configured, mnist, name, content, said):
    (mnist / name).unlink()
    (mnist / name).mkdir() if content is None else (mnist / name).write_bytes(content)
    with pytest.raises(ConfigError, match=said) as refused:
        load(configured, mnist)
    assert "\n" not in str(refused.value)
    if not str(refused.value).startswith("dataset=mnist: "):
        assert f"dataset.root={mnist.parents[1]}: {mnist / name}" in str(refused.value)


def text(content: bytes) -> bytes:
    """A string of Python 2's, pickled."""
    return b"T" + struct.pack("<I", len(content)) + content


def batch(labels: list[int], pixels: np.ndarray) -> bytes:
    """A batch as it was published: a pickle of protocol 2, by Python 2."""
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85" + text(b"b") + b"tR"
    shape = b"K\1J" + struct.pack("<I", len(labels)) + b"M" + struct.pack("<H", 3072) + b"\x86"
    dtype = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\0K\1tR(K\3" + text(b"|") + b"NNNJ\xff\xff\xff\xffK\0tb"
    state = b"(" + shape + dtype + b"\x89" + text(pixels.astype(np.uint8).tobytes()) + b"tb"
    whole = text(b"data") + array + state + text(b"labels") + b"](" + b"".join(b"K%c" % n for n in labels) + b"e"
    return b"\x80\2}(" + whole + b"u."


def test_a_batch_of_cifars_is_read_without_having_anything_made_of_it():
    pixels = np.arange(2 * 3072) % 256
    content = batch([3, 5], pixels)
    assert (pickle.loads(content, encoding="bytes")[b"data"].reshape(-1) == pixels).all()  # noqa: S301 (our own)
    x, y = cifar10.batch(content)
    assert y.tolist() == [3, 5] and (x.reshape(-1) == pixels).all()


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("owned",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Hostile()),
        pickle.dumps({b"data": Hostile(), b"labels": [1]}),
        b"cos\nsystem\n(S'touch owned'\ntR.",
        b"cnumpy\nfromfile\n(S'x'\ntR.",
        b"",
        b"\x80\x02}q\x01.",
        batch([1], np.zeros(3072))[:-40],
    ],
)
def test_a_batch_that_is_none_is_refused_and_nothing_called(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="is no batch of CIFAR's"):
        cifar10.batch(content)
    assert not list(tmp_path.iterdir())


def test_files_of_cifars_are_those_that_were_published(configured, tmp_path, monkeypatch):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    sums = {}
    for name in cifar10.FILES:
        content = batch([i % 10 for i in range(20)], np.arange(20 * 3072) % 256)
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    config = configured("dataset=cifar10", f"dataset.root={tmp_path}")
    with pytest.raises(ConfigError, match=r"data_batch_1: is damaged: its MD5 sum is not that of CIFAR-10's"):
        split(config)
    monkeypatch.setattr(cifar10, "FILES", sums)
    assert split(config).shape == (3, 32, 32)


def test_what_is_missing_is_named(configured, mnist, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.MNIST", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    (mnist / LABELS).unlink()
    with pytest.raises(ConfigError, match=rf"lacks {LABELS}, and they can't be downloaded \(OSError: no network\)"):
        load(configured, mnist)
