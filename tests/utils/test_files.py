"""Names that every file system takes."""

from __future__ import annotations

import pytest

from ablate.utils.files import filename


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
