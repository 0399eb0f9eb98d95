"""CIFAR-10's files, which are pickles: they are read, and nothing in them is called."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct

import numpy as np
import pytest

from ablate.data import cifar10
from ablate.utils.errors import ConfigError
from helpers import parts


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
        parts(config)
    monkeypatch.setattr(cifar10, "FILES", sums)
    assert parts(config).shape == (3, 32, 32)
