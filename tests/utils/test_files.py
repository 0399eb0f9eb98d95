"""Names that every file system takes, and files that are only touched where they are plain ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate.utils.files import adding, filename, linked, opened, read, remove, tidy, unfinished, write


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


def test_a_file_is_read_whole_through_a_link_too_and_none_that_is_too_large(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read(tmp_path / "file", 5) == read(tmp_path / "link", 5) == b"12345"
    with pytest.raises(ValueError, match="has more than 4 bytes"):
        read(tmp_path / "file", 4)
    os.truncate(tmp_path / "file", 2**40)  # on the disk it takes nothing
    with pytest.raises(ValueError, match="has more than"):
        read(tmp_path / "file", 2**30)


def test_what_may_have_no_end_is_no_file_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "device", "folder"):
        with pytest.raises(ValueError, match="is no file"):
            read(tmp_path / name, 10)
        with pytest.raises(ValueError, match="is no file"), opened(tmp_path / name):
            pass
    (tmp_path / "nowhere").symlink_to("nothing")
    for name in ("nothing", "nowhere"):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / name, 10)


@pytest.mark.parametrize("made_up", ["/proc/self/mem", "/proc/self/status", "/proc/kmsg"])
def test_what_the_system_makes_up_as_it_is_read_is_empty(tmp_path, made_up):
    if not os.access(made_up, os.R_OK):
        pytest.skip(f"there is no {made_up}")
    (tmp_path / "link").symlink_to(made_up)
    assert read(tmp_path / "link", 10) == b""


@pytest.mark.parametrize("text", ["a\udcffb", "\ud800", "é\0"])
def test_any_text_can_be_written_and_read_back_as_utf_8(tmp_path, text):
    write(tmp_path / "file", text)
    assert (tmp_path / "file").read_text("utf-8") == text.encode(errors="backslashreplace").decode()


def test_a_name_that_is_not_utf_8_is_a_name(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    write(path, "x")
    assert read(path, 1) == b"x"
