"""Columns of text as numbers, where every value is one; what is written for a missing value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ablate.utils.text import cut, listed

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset({"", "na", "nan", "null", "n/a", "#n/a", "?"})  # in small letters
# Decimals behind a point. Figures behind a zero are a name: 007.
NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII
)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
LONGEST = max(map(len, MISSING))
EXACT = 2**53  # whole numbers up to this are floats too; longer ones are names


def is_missing(text: str) -> bool:
    """Whether a text, without blanks around it, stands for a missing value."""
    return len(text) <= LONGEST and text.casefold() in MISSING


def told(missing: Counter[str]) -> list[str]:
    """Lines about what stood for missing values, and how often."""
    return [f"{n:,} × {cut(value)} read as missing" for value, n in missing.most_common() if value]


@dataclass(frozen=True)
class Column:
    """codes: [n], the place of each value in `values`, which are all different; gone: places of what is missing.

    point, comma: whether all are numbers with decimals behind points, or behind commas.
    """

    codes: np.ndarray
    values: list[str]
    gone: frozenset[int]
    point: bool
    comma: bool

    @classmethod
    def of(cls, raw: pd.Series[Any]) -> Column:
        import pandas as pd

        codes, found = pd.factorize(raw)
        values = [value.strip() for value in found]
        gone = frozenset(i for i, value in enumerate(values) if is_missing(value))
        given = [value for i, value in enumerate(values) if i not in gone] if gone else values
        exact = not any(len(value) > 15 and WHOLE.fullmatch(value) and abs(int(value)) > EXACT for value in given)
        point = exact and all(map(NUMBER.fullmatch, given))
        if point:
            comma = not any("." in value for value in given)
        else:
            swapped = (value.replace(",", ".") if "." not in value else "" for value in given)
            comma = exact and all(map(NUMBER.fullmatch, swapped))
        return cls(codes, values, gone, point, comma)

    @property
    def surely_comma(self) -> bool:
        """Whether its commas are before decimals, and no marks of thousands."""
        given = (value for i, value in enumerate(self.values) if i not in self.gone)
        return self.comma and not self.point and not all(map(THOUSANDS.fullmatch, given))

    def missing(self) -> Counter[str]:
        """What was written for missing values, and how often."""
        times = np.bincount(self.codes, minlength=len(self.values))
        return Counter({self.values[i]: int(times[i]) for i in self.gone})

    def array(self, comma: bool) -> np.ndarray:
        """[n]: int64, or float64 with NaN, or text with NaN."""
        number = self.comma if comma else self.point
        if number and not self.gone and all(map(WHOLE.fullmatch, self.values)):
            return np.array([int(value) for value in self.values], dtype=np.int64)[self.codes]
        values = [value.replace(",", ".") for value in self.values] if number and comma else self.values
        found = np.array(values, dtype=object)
        found[list(self.gone)] = np.nan
        return (found.astype(np.float64) if number else found)[self.codes]


def typed(raw: Mapping[str, pd.Series[Any]], decimal: str) -> tuple[pd.DataFrame, bool, list[str]]:
    """Columns as a data frame; whether decimals are behind commas; lines about what was taken for what.

    decimal: point, comma or auto: commas where columns are numbers only so, and none only with points.
    """
    import pandas as pd

    columns = {name: Column.of(values) for name, values in raw.items()}
    sure = [name for name, one in columns.items() if one.surely_comma]
    against = [name for name, one in columns.items() if one.point and not one.comma]
    comma = decimal == "comma" or (decimal == "auto" and bool(sure) and not against)
    missing: Counter[str] = sum((one.missing() for one in columns.values()), Counter())
    said = told(missing)
    if decimal == "auto" and not comma:
        unsure = [name for name, one in columns.items() if one.comma and not one.point]
        if unsure:
            why = "while others have decimal points" if against else "which may be marks of thousands"
            said.append(f"read as text for commas in it, {why}: {cut(listed(unsure))}; dataset.decimal=comma, or point")
    return pd.DataFrame({name: one.array(comma) for name, one in columns.items()}), comma, said
