"""How far verdicts reach: how many samples they rest on, whether all seeds have the same, whether anything was learnt.

A sentence each, where results tell: those of earlier versions don't say how many test samples there were.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablate.analysis.comparison import Comparison
from ablate.report.units import Unit

COARSE = 5  # test samples: a figure that is compared with smaller differences is coarse for them
SURE = 1.96  # standard errors


def scope(comparison: Comparison) -> list[str]:
    """Sentences about a comparison in which something is compared; none of one baseline alone."""
    arms = comparison.arms
    compared = arms[arms["difference"].notna()]
    if compared.empty:
        return []
    return [*_split(compared, comparison), *_majority(arms[arms["baseline"].isin(compared["baseline"])])]


def _split(compared: pd.DataFrame, comparison: Comparison) -> list[str]:
    """How many test samples there are, the size of one where that is coarse, and whether every seed has the same."""
    unit, known = Unit(comparison.metric), sorted(int(n) for n in compared["test_samples"].dropna().unique())
    samples = f"{' or '.join(f'{n:,}' for n in known)} samples" if known else "samples"
    step = 1 / compared["test_samples"]
    coarse = compared["difference"].abs().lt(COARSE * step) | compared["difference_sd"].lt(step)
    size = ""
    if comparison.metric.startswith("accuracy") and coarse.any():
        sizes = dict.fromkeys(unit.value(one) for one in step[coarse].sort_values())
        size = f" (one of them is {' or '.join(sizes)} points)"
    if (compared["overlap"] > 0).all():
        return [f"Every seed was tested on {samples} of its own split{size}."] if known else []
    where = "Every seed" if compared["data"].nunique() == 1 else "In each data setting, every seed"
    return [
        f"{where} was tested on the same {samples}{size}: a verdict is about this split alone, and another split might "
        "give another."
    ]


def _majority(arms: pd.DataFrame) -> list[str]:
    """Of data on which no arm is above what always naming the most frequent class gives, but by chance."""
    said = []
    for baseline, own in arms.groupby("baseline", sort=False):
        share, n = own["majority"].iloc[0], own["test_samples"].iloc[0]
        reach = share + SURE * np.sqrt(share * (1 - share) / n)
        if (known := own["accuracy/test"].dropna()).empty or not (known <= reach).all():
            continue
        said.append(
            f"Neither {baseline} nor an arm that was compared with it is above {100 * share:.2f} % test accuracy, what "
            f"always naming the most frequent class gives, by more than {n:,.0f} samples can tell from chance: they "
            "may have learnt nothing that helps."
        )
    return said
