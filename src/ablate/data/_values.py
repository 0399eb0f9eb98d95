"""Columns of text as numbers, where every value is one; what is written for a missing value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
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
EXACT = 2**53  # whole numbers up to this are floats too


@dataclass
class Column:
    """codes: [n], the place of each value in `values`, which are all different; of `missing` ones NaN is meant."""

    codes: np.ndarray
    values: list[str]
    point: bool = True  # all are numbers with decimal points
    comma: bool = True  # with decimal commas
    surely_comma: bool = False  # and these are no marks of thousands
    missing: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, raw: pd.Series[Any]) -> Column:
        import pandas as pd

        codes, found = pd.factorize(raw)
        column = cls(codes, [str(value).strip() for value in found])
        times = np.bincount(codes, minlength=len(found))
        given = []
        for value, n in zip(column.values, times, strict=True):
            if value.casefold() in MISSING:
                column.missing[value] += int(n)
            else:
                given.append(value)
        column.point = all(map(NUMBER.fullmatch, given)) and _exact(given)
        swapped = [value.replace(",", ".") if "." not in value else "" for value in given]
        column.comma = all(map(NUMBER.fullmatch, swapped)) and _exact(given)
        column.surely_comma = column.comma and not column.point and not all(map(THOUSANDS.fullmatch, given))
        return column

    def array(self, comma: bool) -> np.ndarray:
        """[n]: int64, or float64 with NaN, or text with NaN."""
        given = [value.casefold() not in MISSING for value in self.values]
        if not (self.comma if comma else self.point):
            values = [value if there else np.nan for value, there in zip(self.values, given, strict=True)]
            return np.array(values, dtype=object)[self.codes]
        if all(given) and all(map(WHOLE.fullmatch, self.values)):
            return np.array([int(value) for value in self.values], dtype=np.int64)[self.codes]
        dotted = (value.replace(",", ".") if comma else value for value in self.values)
        numbers = [float(value) if there else np.nan for value, there in zip(dotted, given, strict=True)]
        return np.array(numbers, dtype=np.float64)[self.codes]


def _exact(values: list[str]) -> bool:
    """Whether no whole number is too long for a figure of 64 bits; such are names."""
    return not any(len(value) > 15 and WHOLE.fullmatch(value) and abs(int(value)) > EXACT for value in values)


def typed(raw: Mapping[str, pd.Series[Any]], decimal: str) -> tuple[pd.DataFrame, bool, list[str]]:
    """Columns as a data frame; whether decimals are behind commas; lines about what was taken for what.

    decimal: point, comma or auto: commas where columns are numbers only so, and none only with points.
    """
    import pandas as pd

    columns = {name: Column.of(values) for name, values in raw.items()}
    sure = [name for name, one in columns.items() if one.surely_comma]
    against = [name for name, one in columns.items() if one.point and not one.comma]
    comma = decimal == "comma" or (decimal == "auto" and bool(sure) and not against)
    missing: Counter[str] = sum((one.missing for one in columns.values()), Counter())
    said = [f"{n:,} × {cut(value)} read as missing" for value, n in missing.most_common() if value]
    if decimal == "auto" and not comma:
        unsure = [name for name, one in columns.items() if one.comma and not one.point]
        if unsure:
            why = "while others have decimal points" if against else "which may be marks of thousands"
            said.append(f"read as text for commas in it, {why}: {cut(listed(unsure))}; dataset.decimal=comma, or point")
    return pd.DataFrame({name: one.array(comma) for name, one in columns.items()}), comma, said
