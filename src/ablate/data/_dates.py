"""Text as dates, in one form for a whole column. Where a form is in doubt, it is not guessed."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?|\d{8}")


def dates(column: pd.Series[Any]) -> tuple[np.ndarray | None, str]:
    """datetime64 [n], NaT where a value is missing, and in which form; or None, and why not.

    Of 03.04.2020, days come first where some of the column's first numbers are above 12, months where some second ones
    are; where neither is so, it is told to be in doubt.
    """
    given = column[column.notna()].astype(str)
    if not len(given):
        return None, "has no values"
    if given.str.fullmatch(ISO.pattern).all():
        found = _parsed(column, format="ISO8601")
        return (found, "dates as year-month-day") if found is not None else (None, _told(given))
    day, month = _parsed(column, dayfirst=True), _parsed(column, dayfirst=False)
    if day is not None and month is not None and not np.array_equal(day, month, equal_nan=True):
        return None, f"may have the day first or the month ({given.iloc[0]}); write dates as 2020-04-03"
    found = day if day is not None else month
    if found is None:
        return None, _told(given)
    return found, "dates"


def _told(given: pd.Series[Any]) -> str:
    return f"must be numbers, or dates in one form; its first value is {given.iloc[0]}"


def _parsed(column: pd.Series[Any], **how: Any) -> np.ndarray | None:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a form that can't be told, or is another than was asked for
        try:
            found = pd.to_datetime(column, utc=True, **how)
        except (ValueError, TypeError, OverflowError, UserWarning):
            return None
    return found.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
