"""Python's garbage collector, which looks through all objects again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 100_000  # new objects between two collections


@contextmanager
def seldom() -> Iterator[None]:
    """Collect seldom: imports and configs are many objects that stay. Thresholds and frozen objects are put back."""
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()
    gc.set_threshold(SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if not frozen:
            gc.unfreeze()


def settle() -> None:
    """What there is now isn't looked through until `seldom` ends; nothing is done where others have frozen theirs."""
    if not gc.get_freeze_count():
        gc.freeze()
