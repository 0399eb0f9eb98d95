"""Text as dates, in one form for a whole column. Where the form is in doubt, it is not guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.utils.text import cut

if TYPE_CHECKING:
    import pandas as pd

FORMS = {
    "year-month-day": ("ISO8601", "%Y/%m/%d", "%Y.%m.%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"),
    "day-month-year": tuple(
        f"%d{sign}%m{sign}%{year}{hour}" for sign in "./-" for year in "Yy" for hour in ("", " %H:%M", " %H:%M:%S")
    ),
    "month-day-year": tuple(
        f"%m{sign}%d{sign}%{year}{hour}"
        for sign in "./-"
        for year in "Yy"
        for hour in ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
    ),
    "day, month by name, year": ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%d. %B %Y", "%d-%b-%y"),
    "month by name, day, year": ("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
}


def dates(column: pd.Series[Any]) -> tuple[np.ndarray | None, str]:
    """datetime64 [n], NaT where a value is missing, and in which form; or None, and why not.

    Of 03.04.2020, the day comes first where some of the column's first numbers are above 12, the month where some
    second ones are; where neither is so, it is told to be in doubt, unless both are the same dates.
    """
    given = column[column.notna()].astype(str)
    if not len(given):
        return None, "has no values"
    found = {}
    for name, forms in FORMS.items():
        for form in forms:
            # One value tells most forms apart at once.
            if _parsed(given.iloc[:1], form) is not None and (parsed := _parsed(column, form)) is not None:
                found[name] = parsed
                break
    if not found:
        return None, f"must be numbers, or dates in one form; its first value is {cut(given.iloc[0])}"
    (name, first), *others = found.items()
    if any(not np.array_equal(first, other, equal_nan=True) for _, other in others):
        return None, f"may have the day first or the month ({cut(given.iloc[0])}); write dates as 2020-04-03"
    return first, f"dates as {name}"


def _parsed(column: pd.Series[Any], form: str) -> np.ndarray | None:
    import pandas as pd

    try:
        found = pd.to_datetime(column, utc=True, format=form)
    except (ValueError, TypeError, OverflowError):
        return None
    return found.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
