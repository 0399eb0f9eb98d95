"""Pictures of mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from ablate.tensorboard import images as pictures
from ablate.tensorboard.images import CELL, MARGIN, TILE


def cell(picture, i: int, j: int) -> tuple[int, ...]:
    """The colour of a cell, near its corner, where no number is."""
    return picture.getpixel((2 * MARGIN + CELL * j + 2, 2 * MARGIN + CELL * i + 2))


def test_a_confusion_matrix_is_blue_where_it_is_right_and_orange_where_it_is_wrong():
    picture = pictures.confusion_matrix(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 2, 1, 2]), 3)
    white = (255, 255, 255)
    assert cell(picture, 1, 1) == cell(picture, 2, 2) == tuple(pictures.RIGHT)
    red, _, blue = cell(picture, 0, 0)
    assert red < blue  # two of three
    red, _, blue = cell(picture, 0, 2)
    assert red > blue  # one of three
    assert [cell(picture, *at) for at in ((0, 1), (1, 0), (1, 2), (2, 0), (2, 1))] == [white] * 5


@pytest.mark.parametrize("classes", [2, 30, 31, 1000])
def test_a_confusion_matrix_of_any_number_of_classes_has_a_bounded_size(classes):
    picture = pictures.confusion_matrix(np.arange(classes), np.arange(classes), classes)
    assert classes <= picture.width <= max(CELL * 30, 2 * classes) + 2 * MARGIN
    assert len(pictures.png(picture)) > 0


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB")])
def test_the_worst_mistakes_are_shown_worst_first(channels, mode):
    x = np.zeros((20, channels, 4, 4))
    x[7, :, :2] = 5.0  # its upper half is bright
    n = np.arange(20)
    picture = pictures.worst_mistakes(x, n, n + 1, np.full(20, 0.9), np.array([7, 3, 5]))
    assert picture.mode == mode and picture.width == 3 * (TILE + 8)
    upper, lower = (picture.getpixel((4 + TILE // 2, 4 + MARGIN + y)) for y in (5, TILE - 5))
    assert np.all(np.array(upper) == 255) and np.all(np.array(lower) == 0)
    assert np.all(np.array(picture.getpixel((TILE + 12 + TILE // 2, 4 + MARGIN + 5))) == 0)
    many = pictures.worst_mistakes(x, n, n + 1, np.full(20, 0.9), n)
    assert many.size == (4 * (TILE + 8), 3 * (TILE + MARGIN + 8))


def test_samples_of_odd_shapes_are_shown_whole():
    for shape in ((1, 1, 200), (1, 300, 2), (3, 1, 1)):
        picture = pictures.worst_mistakes(np.ones((1, *shape)), *[np.zeros(1, int)] * 2, np.ones(1), np.zeros(1, int))
        assert picture.width == TILE + 8
