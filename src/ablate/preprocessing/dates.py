"""Dates as they are written, in one form for a whole column. Where the form is in doubt, it is not guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ablate.utils.text import cut

DAY = 86_400 * 10**6  # microseconds
ISO = "ISO8601"
FORMS = {  # as pandas takes it: as people read it
    ISO: "year-month-day",
    "%Y/%m/%d": "year/month/day",
    "%Y.%m.%d": "year.month.day",
    "%d.%m.%Y": "day.month.year",
    "%d/%m/%Y": "day/month/year",
    "%m/%d/%Y": "month/day/year",
    "%d-%m-%Y": "day-month-year",
    "%m-%d-%Y": "month-day-year",
    "%d.%m.%y": "day.month.year",
    "%d/%m/%y": "day/month/year",
    "%m/%d/%y": "month/day/year",
    "%d %b %Y": "day month year",
    "%d-%b-%Y": "day-month-year",
    "%d %B %Y": "day month year",
    "%b %d, %Y": "month day, year",
    "%B %d, %Y": "month day, year",
}
DIGITS = {"%Y%m%d": "yearmonthday", "%Y": "year"}  # look like numbers: only where one says that they are dates
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_CLOCK = re.compile(r"[ T]\d{1,2}:.*$")
FORMS |= {day + time: f"{said} with time" for day, said in FORMS.items() if day != ISO for time in _TIMES[1:]} | DIGITS


def forms(texts: Sequence[str], digits: bool = False) -> list[str]:
    """The forms in which all of these are dates. digits: also those that look like numbers."""
    first = texts[0]
    if not digits and not re.match(r"\w{1,9}[-./ ,]+\w{1,9}([-./ ,]|$)", first):
        return []
    timed = bool(_CLOCK.search(first))
    fitting = [form for form in FORMS if (form == ISO or (":" in form) == timed) and (digits or form not in DIGITS)]
    few = texts[:1]
    fitting = [form for form in fitting if not np.isnan(days_of(few, form)).any()]
    return [form for form in fitting if not np.isnan(days_of(texts, form)).any()]


def known(form: str) -> str:
    """Raises: ValueError: the form is none of ours."""
    if form not in FORMS:
        raise ValueError("is no form of dates")
    return form


def days_of(texts: Sequence[str], form: str) -> np.ndarray:
    """Days since 1970, in UTC where a time says its zone; NaN where a text is no such date."""
    found = pd.to_datetime(pd.Series(texts, dtype=object), format=form, errors="coerce", utc=True)
    return days(found)


def days(column: pd.Series) -> np.ndarray:
    """Of dates as pandas has them."""
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    moments = column.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / DAY)


def form_of(texts: Sequence[str], digits: bool = False) -> str | None:
    """The form in which all of these are dates, if there is one. digits: also one that looks like numbers.

    Raises:
        ValueError: there are two, which read them differently.
    """
    found = forms(texts, digits)
    if not found:
        return None
    readings = [days_of(texts, form) for form in found]
    if any((other != readings[0]).any() for other in readings[1:]):
        place = next(i for i in range(len(readings[0])) if len({reading[i] for reading in readings}) > 1)
        said = f"{cut(texts[place])} may be the day first or the month first, and no row tells"
        raise ValueError(f"{said}; write dates as YYYY-MM-DD")
    return found[0]


def in_order(values: np.ndarray) -> tuple[np.ndarray, str]:
    """[n] of numbers, dates or text that is dates, as numbers that grow with time; and what they were taken for.

    Raises:
        ValueError: they are none of these.
    """
    if values.dtype.kind in "iuf":
        return values, "numbers"
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]").astype(np.int64), "dates"
    codes, texts = pd.factorize(values.astype(str))
    form = form_of(texts.tolist())
    if form is None:
        raise ValueError(f"must be numbers, or dates in one form; its first value is {cut(texts[0])}")
    return days_of(texts.tolist(), form)[codes], f"dates as {FORMS[form]}"
