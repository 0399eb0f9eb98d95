"""Files in MNIST's format: what is missing or damaged is named in one line."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ablate.data import _torchvision
from ablate.utils.errors import ConfigError
from helpers import parts

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = _torchvision.MNIST_FILES


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
    parts(configured("dataset=mnist", f"dataset.root={mnist.parents[1]}", "dataset.val_fraction=0.5"))


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


def test_what_is_missing_is_named(configured, mnist, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.MNIST", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    (mnist / LABELS).unlink()
    with pytest.raises(ConfigError, match=rf"lacks {LABELS}, and they can't be downloaded \(OSError: no network\)"):
        load(configured, mnist)
