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


def test_without_spread_there_is_no_interval_and_nothing_that_could_be_detected():
    assert all(map(math.isnan, inference.mean_interval([0.1 + 0.2, 0.3, 0.3])))
    assert math.isnan(inference.detectable(0.0, 6))
    assert not any(map(math.isnan, inference.mean_interval([0.3, 0.3, 0.3 + 1e-12])))


def test_rounding_is_as_large_as_the_figures_and_their_precision():
    unit = inference.precision(np.ones(2))
    for values, expected in (
        ([0.1, 0.1 + 2 * unit], [0.1, 0.1]),
        ([2 * unit, 1.0], [0.0, 1.0]),
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
