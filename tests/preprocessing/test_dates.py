"""Dates as they are written."""

from __future__ import annotations

import numpy as np
import pytest

from ablate.preprocessing.dates import in_order
from ablate.preprocessing.splits import split
from ablate.utils.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "order", "said"),
    [
        (["31.01.2024", "01.02.2024"], [0, 1], "dates as day.month.year"),
        (["01/31/2024", "02/01/2024"], [0, 1], "dates as month/day/year"),
        (["2024-02-01T10:00:00Z", "2024-02-01T09:00:00Z"], [1, 0], "dates as year-month-day"),
        (["3 Feb 2024", "31 Jan 2024"], [1, 0], "dates as day month year"),
        (np.array(["2024-02-03", "2024-01-31"], "datetime64[D]"), [1, 0], "dates"),
        ([3, 1], [1, 0], "numbers"),
    ],
)
def test_times_can_be_put_in_order(values, order, said):
    found, how = in_order(np.asarray(values))
    assert np.argsort(found).tolist() == order and how == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["01/02/2024", "03/02/2024"], "01/02/2024 may be the day first or the month first, and no row tells"),
        (["2024-01-01", "31.01.2024"], "must be numbers, or dates in one form; its first value is 2024-01-01"),
        (["2024-02-30", "2024-01-01"], "must be numbers, or dates in one form"),
        (["p", "q"], "must be numbers, or dates in one form; its first value is p"),
    ],
)
def test_times_that_are_none_or_in_doubt_are_refused(values, said):
    with pytest.raises(ValueError, match=said):
        in_order(np.array(values))


def test_a_split_by_time_says_what_the_times_were_taken_for(configured):
    found = split(configured("dataset=diabetes", "dataset.time=age").dataset, 0)
    assert "dataset.time=age: numbers; the latest are tested on" in found.said
    with pytest.raises(ConfigError, match=r"dataset\.time=species: must be numbers, or dates in one form"):
        split(configured("dataset=iris", "dataset.target='petal width (cm)'", "dataset.time=species").dataset, 0)
