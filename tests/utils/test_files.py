"""Names that every file system takes, and files that are only touched where they are plain ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate.utils.files import adding, filename, linked, remove, tidy, unfinished, write


@pytest.mark.parametrize(
    "text",
    [
        "../../x",
        "a" * 300,
        "é" * 150,
        "dataset.root=/x/y",
        "",
        ".",
        "..",
        "a\0b",
        "a\nb",
        "\udcff",
        "\x1b[2J" * 99,
        "CON",
    ],
)
def test_folder_names_hold_no_path_and_are_not_too_long(text):
    name = filename(text)
    assert "/" not in name and len(name.encode()) <= 255 and name.isprintable() and name not in ("", ".", "..")


def test_long_names_stay_apart():
    assert filename("a" * 300 + "1") != filename("a" * 300 + "2")


def _linked(path: Path) -> None:
    path.with_name("target").write_text("my own")
    path.symlink_to("target")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [_linked, _dangling, os.mkfifo, Path.mkdir], ids=lambda make: make.__name__)
def test_nothing_is_written_added_cut_or_removed_where_no_plain_file_is(tmp_path, make):
    path = tmp_path / "history.csv"
    make(path)

    def there() -> list[object]:
        return [(p.name, p.lstat().st_ino, p.is_file() and p.read_text()) for p in sorted(tmp_path.iterdir())]

    before = there()
    for refused in (lambda: write(path, "ours"), lambda: adding(path), lambda: adding(path, "r+b")):
        with pytest.raises(OSError, match=r"history\.csv"):
            refused()
    if make is not Path.mkdir:
        remove(path)
    assert there() == before


def test_a_file_is_written_whole_whatever_has_the_names_it_is_written_under(tmp_path):
    """Somebody may have foreseen them."""
    path, target = tmp_path / "result.json", tmp_path / "target"
    target.write_text("my own")
    unfinished(path).symlink_to(target)
    unfinished(path, 1).mkdir()
    write(path, "ours")
    assert path.read_text() == "ours" and target.read_text() == "my own"
    assert len(list(tmp_path.iterdir())) == 4


def test_what_dead_processes_left_is_removed_but_no_link_and_nothing_behind_one(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "notes").write_text("my own")
    dead = 2**22 + 1
    parts = [tmp_path / f".result.json.{n}.{dead}.ablate-part" for n in range(3)]
    parts[0].write_text("{")
    parts[1].symlink_to("target")
    parts[2].mkdir()
    (parts[2] / "result.json").write_text("{")
    (parts[2] / "link").symlink_to("../target")
    tidy(tmp_path)
    assert (tmp_path / "target" / "notes").read_text() == "my own"
    assert not parts[0].exists() and parts[1].is_symlink() and [p.name for p in parts[2].iterdir()] == ["link"]


def test_the_first_link_on_the_way_down_is_found(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to("b")
    top = tmp_path / "link"
    top.symlink_to("a")  # the folder itself may be one: somebody has typed it
    assert linked(top, top / "b" / "c") is None
    assert linked(top, top / "link" / "c") == top / "link"
