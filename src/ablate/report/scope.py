"""How far verdicts reach: how many samples they rest on, and whether all seeds have the same.

A sentence each, where results tell: those of earlier versions don't say how many test samples there were.
"""

from __future__ import annotations

import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.report.units import Unit

ACCURACY = "accuracy/test"
COARSE = 5  # test samples: a figure that is compared with smaller differences is coarse for them


def scope(comparison: Comparison) -> list[str]:
    """Sentences about a comparison in which something is compared; none of one baseline alone."""
    arms = comparison.arms
    compared = arms[arms["difference"].notna()]
    if compared.empty:
        return []
    return _split(compared)


def _split(compared: pd.DataFrame) -> list[str]:
    """How many test samples there are, the size of one where that is coarse, and whether every seed has the same."""
    unit, known = Unit(ACCURACY), sorted(int(n) for n in compared["test_samples"].dropna().unique())
    samples = f"{' or '.join(f'{n:,}' for n in known)} samples" if known else "samples"
    step = 1 / compared["test_samples"]
    coarse = compared["difference"].abs().lt(COARSE * step) | compared["difference_sd"].lt(step)
    size = ""
    coarse &= compared["metric"] == ACCURACY
    if coarse.any():
        sizes = dict.fromkeys(unit.value(one) for one in step[coarse].sort_values())
        size = f" (one of them is {' or '.join(sizes)} points)"
    if (compared["overlap"] > 0).all():
        return [f"Every seed was tested on {samples} of its own split{size}."] if known else []
    where = "Every seed" if compared["data"].nunique() == 1 else "In each data setting, every seed"
    return [
        f"{where} was tested on the same {samples}{size}: a verdict is about this split alone, and another split might "
        "give another."
    ]
