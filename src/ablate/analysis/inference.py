"""Tests, intervals and corrections for paired figures, from arrays to numbers. Pure, and without SciPy's slow parts.

The t test and its interval take the spread of the differences for that of a normal distribution. Where differences have
no spread but rounding's, nothing can be taken from it: there is no interval then, and p is that of sign flips, which is
all that so few figures can bear (6 equal differences: 2/2⁶).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special  # not scipy.stats: its import takes a second

LEVEL = 0.95
POWER = 0.8
ENUMERATED = 2**16  # sign flips that are all looked at, up to 16 pairs; beyond, as many at random
ROUNDING = 8  # units in the last place that a difference of two figures may be off, parsed or computed


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """An arm against the baseline, over the seeds that both have. Figures are NaN where they can't be had.

    pairs: how many seeds. difference: mean of arm - baseline; sd: of the differences, n-1, 0 where they differ by
    rounding alone; interval and effect_size (difference / sd, Cohen's d for pairs) are NaN then.
    p: see `p_of_mean`; p_exact: sign flips, which know nothing of splits that overlap; both two-sided.
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
    """The t interval of a mean; NaN for n < 2, and without spread. values: [n]; overlap: see `variance_of_mean`."""
    given = np.asarray(values)
    values = without_rounding(given, abs(given), precision(given))
    n = len(values)
    if n < 2 or not (variance := variance_of_mean(values, overlap)):
        return Interval(np.nan, np.nan)
    half = special.stdtrit(n - 1, (1 + level) / 2) * np.sqrt(variance)
    return Interval(float(values.mean() - half), float(values.mean() + half))


def variance_of_mean(values: np.ndarray, overlap: float = 0.0) -> float:
    """s²·(1/n + overlap), exactly 0 where all values are the same. values: [n].

    overlap: test samples per training sample where every seed has a split of its own, else 0. Such splits share
    samples, so their figures are not independent (Nadeau & Bengio 2003, Inference for the Generalization Error).
    """
    variance = float(np.var(values, ddof=1)) if np.ptp(values) else 0.0
    return variance * (1 / len(values) + overlap)


def paired(arm: ArrayLike, baseline: ArrayLike, higher_is_better: bool = True, overlap: float = 0.0) -> Paired:
    """Compare two arms. arm, baseline: [seeds], the same seeds in the same order; pairs with a NaN are left out."""
    figures = np.stack([np.asarray(arm), np.asarray(baseline)])
    figures = figures[:, ~np.isnan(figures).any(0)]
    differences = figures[0].astype(float) - figures[1].astype(float)
    differences = without_rounding(differences, abs(figures).max(0), precision(figures))
    n, spread = len(differences), bool(len(differences)) and np.ptp(differences) > 0
    mean = float(differences.mean() if spread else differences[0]) if n else np.nan
    sd = float(differences.std(ddof=1) if spread else 0) if n > 1 else np.nan
    wins = differences if higher_is_better else -differences
    return Paired(
        pairs=n,
        difference=mean,
        sd=sd,
        interval=mean_interval(differences, overlap=overlap),
        effect_size=mean / sd if sd > 0 else np.nan,
        p=p_of_mean(differences, overlap),
        p_exact=np.nan if overlap else sign_flip_test(differences),
        p_better=float(_won(wins).mean()) if n else np.nan,
        p_better_interval=bootstrap_interval(_won(wins)),
    )


def precision(figures: np.ndarray) -> float:
    """The relative size of a unit in the last place of such figures."""
    return float(np.finfo(figures.dtype if figures.dtype.kind == "f" else float).eps)


def without_rounding(values: np.ndarray, largest: np.ndarray, unit: float) -> np.ndarray:
    """These values without what is only rounding: 0.3 - 0.2 - 0.1 is 0, and 1.1 - 1 the same as 1.2 - 1.1.

    values: [n]; largest: [n], magnitudes of the figures that each was computed from; unit: `precision` of these.
    """
    values, off = values.astype(float), ROUNDING * unit * largest.astype(float)
    values = np.where(abs(values) <= off, 0.0, values)
    return np.full_like(values, values[0]) if len(values) and np.ptp(values) <= off.max() else values


def p_of_mean(differences: np.ndarray, overlap: float = 0.0) -> float:
    """Two-sided p of mean 0, on which verdicts stand. differences: [n], without rounding's part. NaN for n < 2.

    It is the t test's. Of differences without spread it is that of sign flips, 1 where all are 0; where splits overlap
    it is 1, as nothing is known then of how far the seeds say the same thing again.
    """
    p = t_test(differences, overlap)
    if not np.isnan(p) or len(differences) < 2:
        return p
    return 1.0 if overlap else sign_flip_test(differences)


def t_test(differences: np.ndarray, overlap: float = 0.0) -> float:
    """Two-sided p of mean 0. differences: [n]. NaN for n < 2, and where they have no spread."""
    if len(differences) < 2 or not (variance := variance_of_mean(differences, overlap)):
        return np.nan
    t = float(differences.mean() / np.sqrt(variance))
    return float(2 * special.stdtr(len(differences) - 1, -abs(t)))


def sign_flip_test(differences: np.ndarray) -> float:
    """Two-sided p of a distribution that is symmetric about 0. differences: [n]. NaN for n = 0.

    Exact up to 16 differences; beyond, from random sign flips with a fixed seed.
    """
    if not len(differences):
        return np.nan
    n, mean = len(differences), abs(differences.mean())
    if 2**n <= ENUMERATED:
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    else:
        signs = np.random.default_rng(0).choice([-1, 1], (ENUMERATED, n))
        signs[0] = 1  # what was seen is one of the possible
    # Flips that give the same mean but for rounding count as equal; it rounds as the largest difference does.
    return float((abs((signs * differences).mean(1)) >= mean - 1e-12 * abs(differences).max()).mean())


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

    sd: of the differences; n: pairs. NaN for n < 2, and where the differences have no spread: what another one
    could be found in can't be told then.
    """
    if n < 2 or not sd > 0:
        return np.nan
    return sd * _detectable_effect(n, (1 - LEVEL) / max(tests, 1), overlap)


@lru_cache(maxsize=1024)
def _detectable_effect(n: int, alpha: float, overlap: float) -> float:
    """In standard deviations of the differences."""
    low, high = 0.0, 1.0
    while power(high, 1.0, n, alpha, overlap) < POWER:
        high *= 2
    for _ in range(50):  # to the last digits
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, 1.0, n, alpha, overlap) < POWER else (low, middle)
    return high


def _won(advantage: np.ndarray) -> np.ndarray:
    return (np.sign(advantage) + 1) / 2
