"""Names that every file system takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate.utils.files import filename, opened, read, write


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
