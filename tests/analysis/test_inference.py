"""Tests, intervals and corrections against SciPy's and statsmodels', and by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from ablate.analysis import inference


def same(ours: float, theirs: float) -> bool:
    return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("n", [2, 6, 10, 13])
def test_sign_flips_are_scipys_exact_permutation_test(n):
    differences = np.random.default_rng(n).normal(0.5, 1, n).round(1)
    theirs = stats.permutation_test(
        (differences, np.zeros(n)),
        lambda a, b, axis: (a - b).mean(axis),
        permutation_type="samples",
        n_resamples=2**n,
    )
    assert same(inference.sign_flip_test(differences), theirs.pvalue)


def test_sign_flips_beyond_16_pairs_are_drawn_and_repeatable():
    differences = np.random.default_rng(0).normal(0.4, 1, 30)
    drawn = inference.sign_flip_test(differences)
    assert drawn == inference.sign_flip_test(differences)
    assert drawn == pytest.approx(inference.t_test(differences), abs=0.01)


def test_splits_that_overlap_have_the_variance_of_nadeau_and_bengio():
    """By hand: of 1 … 6, the mean is 3.5 and s² is 3.5; with 1 test sample to 3 for training it is s²·(1/6 + 1/3)."""
    figures, base = np.arange(1.0, 7), np.zeros(6)
    assert inference.variance_of_mean(figures, 1 / 3) == pytest.approx(1.75)
    assert inference.variance_of_mean(figures) == pytest.approx(3.5 / 6)  # of splits that don't
    t = 3.5 / math.sqrt(1.75)
    found = inference.paired(figures, base, overlap=1 / 3)
    assert found.p == inference.p_of_mean(figures, 1 / 3) == pytest.approx(2 * stats.t.sf(t, 5))
    half = stats.t.ppf(0.975, 5) * math.sqrt(1.75)
    assert found.interval == inference.mean_interval(figures, overlap=1 / 3)
    assert tuple(found.interval) == pytest.approx((3.5 - half, 3.5 + half))
    assert math.isnan(found.p_exact)  # sign flips take the differences for independent
    assert found.sd == pytest.approx(math.sqrt(3.5)) and found.effect_size == pytest.approx(3.5 / found.sd)


@pytest.mark.parametrize("n", [2, 6, 10, 50])
@pytest.mark.parametrize("overlap", [0.25, 1.0])
def test_splits_that_overlap_leave_the_power_of_a_difference_that_is_smaller_by_as_much(n, overlap):
    wider = math.sqrt(1 + n * overlap)  # how much wider the mean's distribution is
    for effect in (0.1, 0.5, 1):
        with_overlap = inference.power(effect * wider, 1.0, n, 0.05, overlap)
        assert with_overlap == pytest.approx(inference.power(effect, 1.0, n, 0.05))
    expected = wider * inference.detectable(2.0, n, 3)
    assert inference.detectable(2.0, n, 3, overlap) == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 6, 10, 50])
@pytest.mark.parametrize("tests", [1, 4])
def test_power_is_that_of_statsmodels_and_the_detectable_difference_has_80_percent(n, tests):
    alpha = 0.05 / tests
    for effect in (0.1, 0.5, 1, 3):
        theirs = TTestPower().power(effect, n, alpha)
        if not math.isnan(theirs):  # it meets SciPy's NaN
            assert inference.power(2 * effect, 2.0, n, alpha) == pytest.approx(theirs, abs=1e-9)
    assert inference.power(60.0, 2.0, n, alpha) > 0.3  # far out, where SciPy's other tail gives NaN
    found = inference.detectable(2.0, n, tests)
    assert inference.power(found, 2.0, n, alpha) == pytest.approx(0.8, abs=1e-9)


def test_the_bootstrap_interval_is_the_one_that_drawing_converges_to():
    won = np.array([1, 1, 1, 0.5, 0, 1, 1, 0.5, 1, 1])
    drawn = np.random.default_rng(0).choice(won, (200_000, len(won))).mean(1)
    assert tuple(inference.bootstrap_interval(won)) == tuple(np.percentile(drawn, [2.5, 97.5]))
    assert tuple(inference.bootstrap_interval(np.ones(7))) == (1, 1)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8))
def test_sign_flips_count_as_whole_numbers_do(differences):
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    expected = sum(flipped >= abs(sum(differences)) for flipped in sums) / len(sums)
    assert inference.sign_flip_test(np.array(differences) / 10) == expected


def test_holm_by_hand():
    assert list(inference.holm([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    with_none = inference.holm([math.nan, 0.4, 0.01, math.nan, 0.6])
    assert list(with_none) == pytest.approx([math.nan, 0.8, 0.03, math.nan, 0.8], nan_ok=True)
    assert list(inference.holm([1, 0])) == [1, 0] and list(inference.holm([0.9, 0.8])) == [1, 1]
    assert len(inference.holm([])) == 0


def test_pairs_by_hand():
    """Differences 2, 4, none, 0, 2: mean 2, SD √(8/3); two better, one tie."""
    arm, baseline = np.array([3, 5, 9, 1, 4]), np.array([1, 1, np.nan, 1, 2])
    found = inference.paired(arm, baseline)
    sd, half = math.sqrt(8 / 3), stats.t.ppf(0.975, 3) * math.sqrt(8 / 3) / 2
    assert (found.pairs, found.difference, found.p_better) == (4, 2, 0.875)
    assert (found.sd, found.effect_size) == pytest.approx((sd, 2 / sd))
    assert tuple(found.interval) == pytest.approx((2 - half, 2 + half))
    assert found.p == pytest.approx(2 * stats.t.sf(2 / (sd / 2), 3)) and found.p_exact == 4 / 16
    assert found.p_better_interval == inference.bootstrap_interval(np.array([1, 1, 0.5, 1]))
    lower = inference.paired(arm, baseline, higher_is_better=False)
    assert (lower.difference, lower.p, lower.p_better) == (found.difference, found.p, 0.125)
    assert lower.p_better_interval == inference.bootstrap_interval(np.array([0, 0, 0.5, 0]))


def test_equal_differences_have_their_mean_and_no_spread_to_the_last_digit():
    found = inference.paired(np.full(3, 0.1), np.zeros(3))  # added up and divided, it is 0.10000000000000002
    assert (found.difference, found.sd, found.p, found.p_exact) == (0.1, 0.0, 0.25, 0.25)


@pytest.mark.parametrize("n", [0, 1])
def test_of_fewer_than_two_pairs_little_is_told(n):
    found = inference.paired(np.arange(n) + 3.0, np.arange(n) + 1.0)
    assert found.pairs == n and same(found.difference, 2.0 if n else math.nan)
    assert all(map(math.isnan, (found.sd, found.effect_size, found.p, *found.interval)))
    assert same(found.p_better, 1.0 if n else math.nan) and same(found.p_exact, 1.0 if n else math.nan)
    assert all(same(end, 1.0 if n else math.nan) for end in found.p_better_interval)
    assert math.isnan(inference.detectable(1.0, n)) and math.isnan(inference.t_test(np.arange(n) + 3.0))


def test_two_pairs_are_enough_for_a_t_test():
    assert inference.t_test(np.array([1.0, 3.0])) == pytest.approx(stats.ttest_1samp([1.0, 3.0], 0).pvalue)


def test_up_to_16_pairs_all_sign_flips_are_looked_at_and_beyond_what_was_seen_is_one_of_them():
    assert inference.sign_flip_test(np.arange(1.0, 17)) == 2 / 2**16
    assert inference.sign_flip_test(np.arange(1.0, 61)) == 1 / 2**16  # no other that is drawn goes as far


def test_a_bound_of_the_bootstrap_interval_is_the_first_value_that_reaches_it():
    """Of two seeds, one won: the mean is 0, ½ and 1 with chances ¼, ½ and ¼."""
    assert tuple(inference.bootstrap_interval(np.array([1, 0]), 0.5)) == (0, 0.5)


def test_the_interval_has_the_level_that_is_asked_for():
    values, mean, sem = [1.0, 2.0, 4.0], 7 / 3, stats.sem([1.0, 2.0, 4.0])
    for level in (0.5, 0.95):
        half = stats.t.ppf((1 + level) / 2, 2) * sem
        assert tuple(inference.mean_interval(values, level)) == pytest.approx((mean - half, mean + half))
    assert not any(map(math.isnan, inference.mean_interval([1.0, 2.0])))
    won = np.array([1, 0, 1, 1, 0.5, 0, 1, 1])
    drawn = np.random.default_rng(0).choice(won, (100_000, len(won))).mean(1)
    assert tuple(inference.bootstrap_interval(won, 0.5)) == tuple(np.percentile(drawn, [25, 75]))


def test_one_test_is_the_least_that_a_family_has():
    assert inference.detectable(1.0, 8, 0) == inference.detectable(1.0, 8, 1) == inference.detectable(1.0, 8)
    assert inference.detectable(1.0, 8, 2) > inference.detectable(1.0, 8, 1)
    assert not math.isnan(inference.detectable(1.0, 2))


def test_without_spread_there_is_no_interval_and_nothing_that_could_be_detected():
    assert all(map(math.isnan, inference.mean_interval([0.1 + 0.2, 0.3, 0.3])))
    assert math.isnan(inference.detectable(0.0, 6))
    assert not any(map(math.isnan, inference.mean_interval([0.3, 0.3, 0.3 + 1e-12])))


def test_rounding_is_as_large_as_the_figures_and_their_precision():
    unit = inference.precision(np.ones(2))
    for values, expected in (
        ([0.1, 0.1 + 2 * unit], [0.1, 0.1]),
        ([2 * unit, 1.0], [0.0, 1.0]),
        ([8 * unit, 1.0], [0.0, 1.0]),  # as much as rounding may be off, and more
        ([9 * unit, 1.0], [9 * unit, 1.0]),
        ([1.0, 1.0 + 8 * unit], [1.0, 1.0]),
        ([1.0, 1.0 + 9 * unit], [1.0, 1.0 + 9 * unit]),
        ([0.1, 0.1 + 1e-12], [0.1, 0.1 + 1e-12]),
    ):
        assert inference.without_rounding(np.array(values), np.ones(2), unit).tolist() == expected
    tiny = np.array([1e-100, 1.0])  # of figures that are as small
    assert inference.without_rounding(tiny, tiny, unit).tolist() == tiny.tolist()
    assert unit == inference.precision(np.ones(1, int)) == 2**-52
    assert inference.precision(np.ones(1, np.float32)) == 2**-23


def test_a_spread_that_is_too_small_for_floating_point_is_none():
    tiny = np.linspace(1, 2, 6) * 1e-170
    assert math.isnan(inference.t_test(tiny)) and inference.p_of_mean(tiny) == 2 / 64
    assert all(map(math.isnan, inference.mean_interval(tiny)))
