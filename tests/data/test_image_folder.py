"""Folders of pictures, a folder a class: read when they are used, in one order, at one size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate import data
from ablate.data import Source
from ablate.utils.errors import ConfigError


@pytest.fixture
def load(configured, tmp_path) -> Callable[..., Source]:
    def make(*overrides: str) -> Source:
        return data.source(configured("dataset=image_folder", f"dataset.path={tmp_path}", *overrides).dataset)

    return make


def picture(path: Path, value: int = 100, mode: str = "L", size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0]), value, np.uint8)
    if mode == "I;16":
        Image.fromarray(pixels.astype(np.uint16) << 8).save(path)
    else:
        Image.fromarray(pixels).convert(mode).save(path)


def folder(path: Path, classes: str = "ab", each: int = 3) -> None:
    for label, name in enumerate(classes):
        for i in range(each):
            picture(path / name / f"{i}.png", 10 * i + label)


def test_pictures_are_read_when_asked_for_in_the_order_of_their_names(load, tmp_path):
    folder(tmp_path)
    found = load("dataset.size=8", "dataset.channels=1")
    assert found.x.shape == (6, 1, 8, 8) and found.x.dtype == np.uint8 and len(found.x) == 6
    assert found.y.tolist() == [0, 0, 0, 1, 1, 1] and found.labels == ("a", "b") and found.classes == 2
    assert found.x[:].mean(axis=(1, 2, 3)).tolist() == [0, 10, 20, 1, 11, 21]
    assert found.x[np.array([4, 0])][:, 0, 0, 0].tolist() == [11, 0] and found.x[5].shape == (1, 8, 8)
    assert found.x[np.arange(6) > 3][:, 0, 0, 0].tolist() == [11, 21]
    assert found.said == [f"{tmp_path}: 6 pictures of 2 classes"]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_any_kind_and_size_are_brought_to_one(load, tmp_path, mode, channels):
    folder(tmp_path)
    picture(tmp_path / "a" / "0.png", 255, mode, (20, 10))
    found = load("dataset.size=6", f"dataset.channels={channels}")
    assert found.x[:].shape == (6, channels, 6, 6) and (found.x[0] == 255).all()


def test_folders_of_parts_are_parts(load, tmp_path):
    for part in ("train", "valid", "test"):
        folder(tmp_path / part, each=2 if part == "test" else 3)
    found = load("dataset.size=4")
    assert found.test_x is not None and found.val_x is not None
    assert [len(found.x), len(found.val_x), len(found.test_x)] == [6, 6, 4]
    folder(tmp_path / "val")
    with pytest.raises(ConfigError, match="has val and valid, which are the same part"):
        load()


def test_a_class_may_be_called_as_a_part_is(load, tmp_path):
    folder(tmp_path)
    folder(tmp_path / "train", classes="x")
    (tmp_path / "train" / "x").rename(tmp_path / "train2")
    (tmp_path / "train").rmdir()
    (tmp_path / "train2").rename(tmp_path / "train")
    assert load().labels == ("a", "b", "train")


def test_what_is_no_picture_is_left_out_and_said(load, tmp_path):
    folder(tmp_path)
    (tmp_path / "a" / "notes.txt").write_text("x")
    assert f"{tmp_path}: 1 file left out, no picture by the name" in load().said


def test_a_damaged_picture_is_named(load, tmp_path):
    folder(tmp_path)
    (tmp_path / "b" / "1.png").write_bytes(b"\x89PNG")
    found = load()
    with pytest.raises(ConfigError) as refused:
        found.x[:]
    assert str(refused.value).startswith(f"{tmp_path}/b/1.png: is no picture that can be read")


def test_what_is_no_folder_of_classes_is_refused(load, tmp_path, configured):
    with pytest.raises(ConfigError, match="has 0 folders; must have one for each of at least two classes"):
        load()
    folder(tmp_path)
    (tmp_path / "c").mkdir()
    with pytest.raises(ConfigError, match="c: has no pictures"):
        load()
    folder(tmp_path / "train")
    folder(tmp_path / "test", classes="abd")
    with pytest.raises(ConfigError, match=r"test: has d, which .*train has not"):
        load()
    for path, said in ((tmp_path / "nix", "there is no such folder"), (tmp_path / "a" / "0.png", "must be a folder")):
        with pytest.raises(ConfigError, match=said):
            data.source(configured("dataset=image_folder", f"dataset.path={path}").dataset)
