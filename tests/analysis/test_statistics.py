"""Figures against SciPy's and statsmodels', by hand, and on simulated studies."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from ablate.analysis import statistics
from ablate.analysis.statistics import COLUMNS, compare
from ablate.utils.errors import ConfigError

# Coarse figures, so that ties happen; NaN for runs that gave none.
figures = st.one_of(st.integers(0, 6).map(lambda i: i / 10), st.floats(-1e3, 1e3, width=32), st.just(math.nan))


@st.composite
def tables(draw):
    rows = []
    for arm in "abcd"[: draw(st.integers(1, 4))]:
        seeds = draw(st.lists(st.integers(0, 11), unique=True, min_size=1, max_size=12))
        constant = draw(st.none() | st.floats(0, 1))
        values = [draw(figures) if constant is None else constant for _ in seeds]
        rows += [{"arm": arm, "seed": seed, "score": value} for seed, value in zip(seeds, values, strict=True)]
    return pd.DataFrame(rows)


def same(ours: float, theirs: float) -> bool:
    return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # SciPy's, of constant and of few figures
@settings(max_examples=300, deadline=None)
@given(tables(), st.booleans())
def test_figures_are_those_of_scipy_and_statsmodels(table, higher_is_better):
    compared = compare(table, "a", "score", higher_is_better).set_index("arm")
    base = table[table["arm"] == "a"].set_index("seed")["score"]
    tested = {}
    for arm, own in table.groupby("arm"):
        values, row = own["score"].dropna().to_numpy(), compared.loc[arm]
        assert row["n"] == len(values)
        assert same(row["mean"], values.mean() if len(values) else math.nan)
        if len(values) > 1:
            assert same(row["sd"], stats.tstd(values))
            half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
            assert same(row["ci_low"], values.mean() - half) and same(row["ci_high"], values.mean() + half)
        if arm == "a":
            assert row["verdict"] == "baseline" and row[["difference", "p", "p_holm", "detectable"]].isna().all()
            continue
        both = pd.concat([own.set_index("seed")["score"], base], axis=1, keys=["arm", "base"]).dropna()
        difference = (both["arm"] - both["base"]).to_numpy()
        assert compared.attrs["pairs"][arm] == len(both)
        assert same(row["difference"], difference.mean() if len(both) else math.nan)
        if len(both) > 1:
            theirs = stats.ttest_rel(both["arm"], both["base"])
            interval = theirs.confidence_interval()
            if difference.std() > 1e-9 * abs(difference).max():
                assert same(row["p"], theirs.pvalue)
                assert row["difference_low"] == pytest.approx(interval.low, rel=1e-9, abs=1e-9)
                assert same(row["effect_size"], difference.mean() / stats.tstd(difference))
        if not math.isnan(row["p"]):
            tested[arm] = row["p"]
        won = np.sign(difference if higher_is_better else -difference) / 2 + 0.5
        assert same(row["p_better"], won.mean() if len(won) else math.nan)
        assert (row["verdict"] == "too few seeds") == (len(both) < 6)
    if tested:
        adjusted = multipletests(list(tested.values()), method="holm")[1]
        assert np.allclose(compared.loc[list(tested), "p_holm"].to_numpy(float), adjusted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [2, 6, 10, 13])
def test_sign_flips_are_scipys_exact_permutation_test(n):
    differences = np.random.default_rng(n).normal(0.5, 1, n).round(1)
    theirs = stats.permutation_test(
        (differences, np.zeros(n)),
        lambda a, b, axis: (a - b).mean(axis),
        permutation_type="samples",
        n_resamples=2**n,
    )
    assert same(statistics.sign_flip_test(differences), theirs.pvalue)


def test_sign_flips_beyond_16_pairs_are_drawn_and_repeatable():
    differences = np.random.default_rng(0).normal(0.4, 1, 30)
    drawn = statistics.sign_flip_test(differences)
    assert drawn == statistics.sign_flip_test(differences)
    assert drawn == pytest.approx(statistics.t_test(differences), abs=0.01)


@pytest.mark.parametrize("n", [2, 6, 10, 50])
@pytest.mark.parametrize("tests", [1, 4])
def test_power_is_that_of_statsmodels_and_the_detectable_difference_has_80_percent(n, tests):
    alpha = 0.05 / tests
    for effect in (0.1, 0.5, 1, 3):
        theirs = TTestPower().power(effect, n, alpha)
        if not math.isnan(theirs):  # it meets SciPy's NaN
            assert statistics.power(2 * effect, 2.0, n, alpha) == pytest.approx(theirs, abs=1e-9)
    assert statistics.power(60.0, 2.0, n, alpha) > 0.3  # far out, where SciPy's other tail gives NaN
    found = statistics.detectable(2.0, n, tests)
    assert statistics.power(found, 2.0, n, alpha) == pytest.approx(0.8, abs=1e-9)


def test_the_bootstrap_interval_is_the_one_that_drawing_converges_to():
    won = np.array([1, 1, 1, 0.5, 0, 1, 1, 0.5, 1, 1])
    drawn = np.random.default_rng(0).choice(won, (200_000, len(won))).mean(1)
    assert tuple(statistics.bootstrap_interval(won)) == tuple(np.percentile(drawn, [2.5, 97.5]))
    assert tuple(statistics.bootstrap_interval(np.ones(7))) == (1, 1)


def test_hand_computed_figures():
    # Differences 1, 2, 3: mean 2, SD 1, t = 2·√3.
    table = pd.DataFrame({"arm": list("aaabbb"), "seed": [0, 1, 2] * 2, "score": [1, 1, 1, 2, 3, 4]})
    row = compare(table, "a", "score").iloc[1]
    assert (row["difference"], row["effect_size"], row["p_exact"], row["p_better"]) == (2, 2, 0.25, 1)
    assert row["p"] == pytest.approx(0.0741799, abs=1e-7)
    assert list(statistics.holm([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])


def test_columns_and_order_are_those_promised():
    table = pd.DataFrame({"arm": ["b", "a"], "seed": [0, 0], "score": [1.0, 2.0]})
    compared = compare(table, "a", "score")
    assert tuple(compared) == COLUMNS and list(compared["arm"]) == ["b", "a"]


def test_a_lower_loss_is_better():
    base = {"arm": "a", "seed": range(8), "loss": np.linspace(1, 2, 8)}
    less = {"arm": "b", "seed": range(8), "loss": np.linspace(0.5, 1.6, 8)}
    table = pd.concat([pd.DataFrame(base), pd.DataFrame(less)])
    assert compare(table, "a", "loss", higher_is_better=False)["verdict"].iloc[1] == "better"
    assert compare(table, "a", "loss", higher_is_better=True)["verdict"].iloc[1] == "worse"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"baseline": "z"}, "baseline='z': must be one of 'a', 'b'"),
        ({"metric": "acc"}, "no column acc"),
        ({"table": pd.DataFrame({"arm": ["a", "b"], "seed": [0, 0], "score": ["x", "y"]})}, "score: must be numbers"),
        (
            {"table": pd.DataFrame({"arm": ["a", None], "seed": [0, 0], "score": [1.0, 2.0]})},
            "without an arm or a seed",
        ),
        (
            {"table": pd.DataFrame({"arm": ["a", "a"], "seed": [0, 0], "score": [1, 2]})},
            "arm a seed 0: is in the table",
        ),
    ],
)
def test_a_wrong_table_is_refused(change, said):
    table = pd.DataFrame({"arm": ["a", "b"], "seed": [0, 0], "score": [1.0, 2.0]})
    with pytest.raises(ConfigError, match=said):
        compare(**{"table": table, "baseline": "a", "metric": "score"} | change)
