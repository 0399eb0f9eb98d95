"""Is an arm better than the baseline, by how much, and how sure is that? Pure, from tables to tables.

Arms are compared seed by seed: the same seed means the same split, initialisation and batch order, so what
is tested is the mean of the differences. A verdict needs a p (`inference.p_of_mean`) that survives Holm's correction
over all that is tested together; the exact sign-flip test stands beside it as a check that assumes no distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablate.analysis.direction import higher_is_better as told_by_name
from ablate.analysis.inference import LEVEL, Paired, detectable, holm, mean_interval, paired
from ablate.utils.errors import ConfigError

MINIMUM_SEEDS = 6  # pairs below which there is no verdict: with 5, no sign-flip p can be below 0.05

COLUMNS = (
    "arm", "n", "mean", "sd", "ci_low", "ci_high",
    "difference", "difference_low", "difference_high", "difference_sd", "effect_size",
    "p", "p_exact", "p_holm", "p_better", "p_better_low", "p_better_high", "detectable", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """Runs on the same data: what `compare` takes, one of those that are tested together."""

    table: pd.DataFrame
    baseline: str
    metric: str
    higher_is_better: bool | None = None
    overlap: float = 0.0


def compare(
    table: pd.DataFrame,
    baseline: str,
    metric: str,
    higher_is_better: bool | None = None,
    overlap: float = 0.0,
) -> pd.DataFrame:
    """Compare every arm of a table with the baseline, seed by seed.

    table: a row a run, with columns arm, seed and `metric`; a NaN is a run without a figure.
    higher_is_better: None goes by the metric's name where it tells (`direction.higher_is_better`).
    overlap: see `inference.variance_of_mean`.

    Returns a row an arm, in the table's order, with `COLUMNS`: n seeds with a figure, their mean, SD (n-1) and
    95 % t interval; the mean difference from the baseline over the seeds that both have, with its 95 % interval and
    the differences' SD; effect size; p of the paired t-test (of sign flips where all differences are equal), of exact
    sign flips, and Holm's over the arms that have a p; the share of seeds won with its bootstrap interval; the
    smallest difference that could have been detected (none with fewer than 6 pairs, of which nothing can be). The
    verdict is better, worse, not detected, too few seeds (fewer than 6 pairs), or baseline, whose figures of a
    difference are empty. `attrs["pairs"]` says how many seeds each arm shares with the baseline.

    Raises:
        ConfigError: a column or the baseline is missing, a run is there twice, or nothing tells whether higher
            figures are better.
    """
    return compare_together([Setting(table, baseline, metric, higher_is_better, overlap)])[0]


def compare_together(settings: Sequence[Setting]) -> list[pd.DataFrame]:
    """Compare within each of these settings, as one family: Holm's correction is over all that they test.

    Raises:
        ConfigError: as `compare` does.
    """
    figures = [_figures(setting) for setting in settings]
    told = [told_by_name(each.metric) if each.higher_is_better is None else each.higher_is_better for each in settings]
    against = [
        {arm: paired(of[arm], of[each.baseline], higher, each.overlap) for arm in of if arm != each.baseline}
        for each, of, higher in zip(settings, figures, told, strict=True)
    ]
    adjusted = iter(holm([found.p for founds in against for found in founds.values()]).tolist())
    p_holm = [{arm: next(adjusted) for arm in founds} for founds in against]
    tests = sum(not np.isnan(p) for each in p_holm for p in each.values())
    compared = []
    for setting, of, founds, corrected, higher in zip(settings, figures, against, p_holm, told, strict=True):
        rows = [_own(arm, values, setting.overlap) for arm, values in of.items()]
        for row in rows:
            if row["arm"] != setting.baseline:
                found = founds[row["arm"]]
                row |= _against(found, corrected[row["arm"]], tests, higher, setting.overlap)
        compared.append(pd.DataFrame(rows, columns=list(COLUMNS)))
        compared[-1].attrs["pairs"] = {arm: found.pairs for arm, found in founds.items()}
    return compared


def _figures(setting: Setting) -> dict[str, np.ndarray]:
    """Every arm's figures, [seeds] each, NaN where a seed has none; in the table's order and precision."""
    table, baseline, metric = setting.table.reset_index(drop=True), setting.baseline, setting.metric
    if missing := [name for name in ("arm", "seed", metric) if name not in table]:
        raise ConfigError(f"the table has no column {', '.join(missing)}; it has {', '.join(map(str, table))}")
    if table[["arm", "seed"]].isna().any(axis=None):
        raise ConfigError("the table has a row without an arm or a seed")
    if not pd.api.types.is_numeric_dtype(table[metric]):
        raise ConfigError(f"column {metric}: must be numbers, NaN where a run has none")
    if baseline not in set(table["arm"]):
        raise ConfigError(f"baseline={baseline!r}: must be one of {', '.join(map(repr, table['arm'].unique()))}")
    if len(twice := table[table.duplicated(["arm", "seed"])]):
        raise ConfigError(f"arm {twice['arm'].iloc[0]} seed {twice['seed'].iloc[0]}: is in the table twice")
    kind = table[metric].dtype
    pivoted = table.pivot(index="seed", columns="arm", values=metric)
    figures = pivoted.astype(kind if isinstance(kind, np.dtype) and kind.kind == "f" else float)
    figures = figures.where(np.isfinite(figures))  # an infinite figure is none
    return {arm: figures[arm].to_numpy() for arm in table["arm"].unique()}


def _own(arm: str, figures: np.ndarray, overlap: float) -> dict[str, Any]:
    values = figures[~np.isnan(figures)]
    low, high = mean_interval(values, overlap=overlap)
    return {
        "arm": arm,
        "n": len(values),
        **dict.fromkeys(COLUMNS[2:], np.nan),
        "mean": values.mean(dtype=float) if len(values) else np.nan,
        "sd": values.std(ddof=1, dtype=float) if len(values) > 1 else np.nan,
        "ci_low": low,
        "ci_high": high,
        "verdict": "baseline",
    }


def _against(found: Paired, p_holm: float, tests: int, higher_is_better: bool, overlap: float) -> dict[str, Any]:
    enough = found.pairs >= MINIMUM_SEEDS
    return {
        "difference": found.difference,
        "difference_low": found.interval.low,
        "difference_high": found.interval.high,
        "difference_sd": found.sd,
        "effect_size": found.effect_size,
        "p": found.p,
        "p_exact": found.p_exact,
        "p_holm": p_holm,
        "p_better": found.p_better,
        "p_better_low": found.p_better_interval.low,
        "p_better_high": found.p_better_interval.high,
        "detectable": detectable(found.sd, found.pairs, tests, overlap) if enough else np.nan,
        "verdict": verdict(found, p_holm, higher_is_better),
    }


def verdict(found: Paired, p_holm: float, higher_is_better: bool) -> str:
    """In words. A difference that was not detected may still be there: never "equal"."""
    if found.pairs < MINIMUM_SEEDS:
        return "too few seeds"
    if not p_holm <= 1 - LEVEL:
        return "not detected"
    return "better" if (found.difference > 0) == higher_is_better else "worse"
