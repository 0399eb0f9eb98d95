"""Is an arm better than the baseline, by how much, and how sure is that? Pure functions over arrays.

Arms are compared seed by seed: the same seed means the same split, initialisation and batch order, so what
is tested is the mean of the differences. A verdict needs a paired t-test that survives Holm's correction over
all arms of the table; the exact sign-flip test stands beside it as a check that assumes no distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special  # not scipy.stats: its import takes a second

from ablate.utils.errors import ConfigError

MINIMUM_SEEDS = 6  # pairs below which there is no verdict: with 5, no sign-flip p can be below 0.05
LEVEL = 0.95
POWER = 0.8
ENUMERATED = 2**16  # sign flips that are all looked at, up to 16 pairs; beyond, as many at random

COLUMNS = (
    "arm", "n", "mean", "sd", "ci_low", "ci_high",
    "difference", "difference_low", "difference_high", "effect_size",
    "p", "p_exact", "p_holm", "p_better", "p_better_low", "p_better_high", "detectable", "verdict",
)  # fmt: skip


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """An arm against the baseline, over the seeds that both have. Figures are NaN where they can't be had.

    pairs: how many seeds. difference: mean of arm - baseline; sd: of the differences, n-1.
    effect_size: difference / sd (Cohen's d for pairs). p: paired t-test; p_exact: sign flips, which know nothing of
    splits that overlap; both two-sided.
    p_better: share of the seeds in which the arm was better, ties half.
    """

    pairs: int
    difference: float
    sd: float
    interval: Interval
    effect_size: float
    p: float
    p_exact: float
    p_better: float
    p_better_interval: Interval


def mean_interval(values: ArrayLike, level: float = LEVEL, overlap: float = 0.0) -> Interval:
    """The t interval of a mean. values: [n]; overlap: see `variance_of_mean`."""
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 2:
        return Interval(np.nan, np.nan)
    half = special.stdtrit(n - 1, (1 + level) / 2) * np.sqrt(variance_of_mean(values, overlap))
    return Interval(float(values.mean() - half), float(values.mean() + half))


def variance_of_mean(values: np.ndarray, overlap: float = 0.0) -> float:
    """s²·(1/n + overlap). values: [n].

    overlap: test samples per training sample where every seed has a split of its own, else 0. Such splits share
    samples, so their figures are not independent (Nadeau & Bengio 2003, Inference for the Generalization Error).
    """
    return float(np.var(values, ddof=1)) * (1 / len(values) + overlap)


def paired(arm: ArrayLike, baseline: ArrayLike, higher_is_better: bool = True, overlap: float = 0.0) -> Paired:
    """Compare two arms. arm, baseline: [seeds], the same seeds in the same order; pairs with a NaN are left out."""
    differences = np.asarray(arm, dtype=float) - np.asarray(baseline, dtype=float)
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    sd = float(differences.std(ddof=1)) if n > 1 else np.nan
    wins = differences if higher_is_better else -differences
    return Paired(
        pairs=n,
        difference=mean,
        sd=sd,
        interval=mean_interval(differences, overlap=overlap),
        effect_size=_ratio(mean, sd),
        p=t_test(differences, overlap),
        p_exact=np.nan if overlap else sign_flip_test(differences),
        p_better=float(_won(wins).mean()) if n else np.nan,
        p_better_interval=bootstrap_interval(_won(wins)),
    )


def t_test(differences: np.ndarray, overlap: float = 0.0) -> float:
    """Two-sided p of mean 0. differences: [n]. NaN for n < 2, and where all are 0."""
    if len(differences) < 2:
        return np.nan
    t = _ratio(float(differences.mean()), float(np.sqrt(variance_of_mean(differences, overlap))))
    return float(2 * special.stdtr(len(differences) - 1, -abs(t)))


def sign_flip_test(differences: np.ndarray) -> float:
    """Two-sided p of a distribution that is symmetric about 0. differences: [n]. NaN for n = 0.

    Exact up to 16 differences; beyond, from random sign flips with a fixed seed.
    """
    if not len(differences):
        return np.nan
    n, means = len(differences), abs(differences.mean())
    if 2**n <= ENUMERATED:
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    else:
        signs = np.random.default_rng(0).choice([-1, 1], (ENUMERATED, n))
        signs[0] = 1  # what was seen is one of the possible
    # Flips that give the same mean but for rounding count as equal.
    return float((abs((signs * differences).mean(1)) >= means * (1 - 1e-12)).mean())


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's adjusted p (Holm 1979). p: [tests]; a NaN is no test, and stays one."""
    p = np.asarray(p, dtype=float)
    adjusted = np.full_like(p, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def bootstrap_interval(won: np.ndarray, level: float = LEVEL) -> Interval:
    """The percentile bootstrap interval of a mean of 0, ½ and 1, without drawing: its distribution is computed.

    won: [n].
    """
    n = len(won)
    if not n:
        return Interval(np.nan, np.nan)
    once = np.array([np.mean(won == value) for value in (0, 0.5, 1)])
    total = np.ones(1)
    for _ in range(n):
        total = np.convolve(total, once)
    cumulated = np.cumsum(total)
    tails = np.array([(1 - level) / 2, (1 + level) / 2]) * (1 - 1e-12)  # past rounding
    low, high = np.searchsorted(cumulated, tails).tolist()
    return Interval(low / (2 * n), high / (2 * n))


def power(difference: float, sd: float, n: int, alpha: float, overlap: float = 0.0) -> float:
    """Chance that a two-sided paired t-test at level `alpha` finds this true difference (noncentral t).

    sd: of the differences; n: pairs.
    """
    critical = -special.stdtrit(n - 1, alpha / 2)
    shift = abs(difference) / (sd * np.sqrt(1 / n + overlap))
    # SciPy's other tail is NaN where it is too small to count.
    return float(1 - special.nctdtr(n - 1, shift, critical) + np.nan_to_num(special.nctdtr(n - 1, shift, -critical)))


def detectable(sd: float, n: int, tests: int = 1, overlap: float = 0.0) -> float:
    """The smallest true difference that is found with 80 % power, as one of so many tests (alpha 0.05 / tests).

    sd: of the differences; n: pairs. NaN for n < 2.
    """
    if n < 2 or not np.isfinite(sd):
        return np.nan
    if sd == 0:
        return 0.0
    alpha = (1 - LEVEL) / max(tests, 1)
    low, high = 0.0, 1.0
    while power(high, 1.0, n, alpha, overlap) < POWER:
        high *= 2
    for _ in range(50):  # to the last digits
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, 1.0, n, alpha, overlap) < POWER else (low, middle)
    return sd * high


def compare(
    table: pd.DataFrame,
    baseline: str,
    metric: str,
    higher_is_better: bool = True,
    overlap: float = 0.0,
) -> pd.DataFrame:
    """Compare every arm of a table with the baseline, seed by seed.

    table: a row a run, with columns arm, seed and `metric`; a NaN is a run without a figure.
    higher_is_better: say False for a loss or an error.
    overlap: see `variance_of_mean`.

    Returns a row an arm, in the table's order, with `COLUMNS`: n seeds with a figure, their mean, SD (n-1) and
    95 % t interval; the mean difference from the baseline over the seeds that both have, with its 95 % interval;
    effect size; p of the paired t-test, of exact sign flips, and Holm's over the arms that have a p; the share of
    seeds won with its bootstrap interval; the smallest difference that could have been detected. The verdict is
    better, worse, not detected, too few seeds (fewer than 6 pairs), or baseline, whose figures of a difference
    are empty. `attrs["pairs"]` says how many seeds each arm shares with the baseline.

    Raises:
        ConfigError: a column or the baseline is missing, or a run is there twice.
    """
    table = table.reset_index(drop=True)
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
    figures = table.pivot(index="seed", columns="arm", values=metric).astype(float)
    figures = figures.where(np.isfinite(figures))  # an infinite figure is none
    arms = list(table["arm"].unique())
    against = {
        arm: paired(figures[arm], figures[baseline], higher_is_better, overlap) for arm in arms if arm != baseline
    }
    adjusted = dict(zip(against, holm([result.p for result in against.values()]), strict=True))
    tests = sum(not np.isnan(p) for p in adjusted.values())
    rows = []
    for arm in arms:
        values = figures[arm].dropna().to_numpy()
        row: dict[str, Any] = {"arm": arm, "n": len(values), **dict.fromkeys(COLUMNS[2:], np.nan)}
        row["mean"] = values.mean() if len(values) else np.nan
        row["sd"] = values.std(ddof=1) if len(values) > 1 else np.nan
        row["ci_low"], row["ci_high"] = mean_interval(values, overlap=overlap)
        row["verdict"] = "baseline"
        if arm != baseline:
            row |= _against(against[arm], float(adjusted[arm]), tests, higher_is_better, overlap)
        rows.append(row)
    compared = pd.DataFrame(rows, columns=list(COLUMNS))
    compared.attrs["pairs"] = {arm: result.pairs for arm, result in against.items()}
    return compared


def _against(found: Paired, p_holm: float, tests: int, higher_is_better: bool, overlap: float) -> dict[str, Any]:
    return {
        "difference": found.difference,
        "difference_low": found.interval.low,
        "difference_high": found.interval.high,
        "effect_size": found.effect_size,
        "p": found.p,
        "p_exact": found.p_exact,
        "p_holm": p_holm,
        "p_better": found.p_better,
        "p_better_low": found.p_better_interval.low,
        "p_better_high": found.p_better_interval.high,
        "detectable": detectable(found.sd, found.pairs, tests, overlap),
        "verdict": verdict(found, p_holm, higher_is_better),
    }


def verdict(found: Paired, p_holm: float, higher_is_better: bool) -> str:
    """In words. A difference that was not detected may still be there: never "equal"."""
    if found.pairs < MINIMUM_SEEDS:
        return "too few seeds"
    if not p_holm <= 1 - LEVEL:
        return "not detected"
    return "better" if (found.difference > 0) == higher_is_better else "worse"


def _won(advantage: np.ndarray) -> np.ndarray:
    return (np.sign(advantage) + 1) / 2


def _ratio(value: float, spread: float) -> float:
    """value / spread as floating point has it: infinite or NaN where the spread is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(value) / np.float64(spread))
