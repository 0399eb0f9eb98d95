"""Values of options as numbers.

Raises:
    ConfigError: every function, where a value is wrong; it names the option, the value and what is allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection

import numpy as np

from ablate.backprop.delta_rule import Array
from ablate.utils.errors import one_of, refuse


def choose(option: str, value: str, names: Collection[str]) -> None:
    """Refuse a name that is not among `names`."""
    if value not in names:
        raise refuse(option, value, one_of(names, value))


def whole(option: str, text: str, least: int) -> int:
    """A whole number from `least` on."""
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < least:
        raise refuse(option, text, f"must be a whole number, {least} or more")
    return int(text)


def number(option: str, text: str, given: str, allowed: str) -> float:
    """A finite number: `text`, which stands in what was given."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise refuse(option, given, allowed)
    return value


def positive(option: str, text: str) -> float:
    allowed = "must be a number greater than 0"
    value = number(option, text, text, allowed)
    if value <= 0:
        raise refuse(option, text, allowed)
    return value


def numbers(option: str, text: str, units: int, kind: str) -> Array:
    """A number for each unit."""
    allowed = f"must be {units} finite number{'s' * (units > 1)} with commas between, one for each {kind} unit"
    allowed = allowed if units > 1 else f"must be one finite number, for the one {kind} unit"
    values = [number(option, part, text, allowed) for part in text.split(",")]
    if len(values) != units:
        raise refuse(option, text, allowed)
    return np.array(values)
