"""A table of arms against SciPy's and statsmodels' figures and by hand; what is tested together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.analysis.inference import LEVEL, detectable, holm, mean_interval, paired
from ablate.analysis.statistics import COLUMNS, Setting, compare, compare_together, verdict
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


def spreads(values, figures):
    return np.ptp(values) > 8 * np.finfo(float).eps * np.abs(np.asarray(figures)).max()


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
            half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if spreads(values, values) else math.nan
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
            if not spreads(difference, both):
                assert row["p"] == row["p_exact"] and row[["difference_low", "effect_size", "detectable"]].isna().all()
            elif difference.std() > 1e-9 * abs(difference).max():
                assert same(row["p"], theirs.pvalue)
                assert row["difference_low"] == pytest.approx(interval.low, rel=1e-9, abs=1e-9)
                assert same(row["effect_size"], difference.mean() / stats.tstd(difference))
        if not math.isnan(row["p"]):
            tested[arm] = row["p"]
        rounded = abs(difference) <= 8 * np.finfo(float).eps * abs(both.to_numpy()).max(1, initial=0.0)
        difference = np.where(rounded, 0.0, difference)  # what is less than figures can hold is a tie
        won = np.sign(difference if higher_is_better else -difference) / 2 + 0.5
        assert same(row["p_better"], won.mean() if len(won) else math.nan)
        assert (row["verdict"] == "too few seeds") == (len(both) < 6)
    if tested:
        adjusted = multipletests(list(tested.values()), method="holm")[1]
        assert np.allclose(compared.loc[list(tested), "p_holm"].to_numpy(float), adjusted, rtol=1e-12, atol=1e-12)


def test_hand_computed_figures():
    # Differences 1, 2, 3: mean 2, SD 1, t = 2·√3.
    table = pd.DataFrame({"arm": list("aaabbb"), "seed": [0, 1, 2] * 2, "score": [1, 1, 1, 2, 3, 4]})
    row = compare(table, "a", "score", True).iloc[1]
    assert (row["difference"], row["effect_size"], row["p_exact"], row["p_better"]) == (2, 2, 0.25, 1)
    assert row["p"] == pytest.approx(0.0741799, abs=1e-7)


def test_columns_and_order_are_those_promised():
    table = pd.DataFrame({"arm": ["b", "a"], "seed": [0, 0], "score": [1.0, 2.0]})
    compared = compare(table, "a", "score", True)
    assert tuple(compared) == COLUMNS and list(compared["arm"]) == ["b", "a"]


@pytest.mark.parametrize("kind", ["float32", "float64", "Float64", "Float32"])
def test_figures_are_summed_up_in_double_precision(kind):
    figures = np.array([0.1, 0.2, 0.7, 0.4], dtype=kind.lower())
    table = pd.DataFrame({"arm": "a", "seed": range(4), "loss": pd.array(figures, dtype=kind)}, index=[3, 3, 1, 1])
    row = compare(table, "a", "loss").iloc[0]
    assert same(row["mean"], figures.astype(float).mean()) and same(row["sd"], figures.astype(float).std(ddof=1))


def test_an_infinite_figure_is_none_and_one_figure_has_no_spread():
    table = pd.DataFrame({"arm": list("aaabb"), "seed": [0, 1, 2, 0, 1], "loss": [1.0, np.inf, 3.0, -np.inf, 2.0]})
    both = compare(table, "a", "loss").set_index("arm")
    assert both["n"].tolist() == [2, 1] and both["mean"].tolist() == [2, 2] and math.isnan(both.loc["b", "sd"])
    assert both.loc["a", "sd"] == pytest.approx(math.sqrt(2))
    table["loss"] = [np.nan] * 3 + [1.0, 2.0]
    none = compare(table, "a", "loss").iloc[0]
    assert none["n"] == 0 and none[["mean", "sd", "ci_low", "ci_high"]].isna().all()


def test_every_figure_of_an_arm_stands_in_its_own_column():
    """By `inference`, whose figures are held against others' there."""
    random = np.random.default_rng(3)
    base, arm = random.normal(0, 1, 9), random.normal(1.5, 1, 9)
    rows = [{"arm": name, "seed": s, "loss": x} for name, own in (("a", base), ("b", arm)) for s, x in enumerate(own)]
    row, found = compare(pd.DataFrame(rows), "a", "loss", overlap=0.25).iloc[1], paired(arm, base, False, 0.25)
    assert (row["difference_low"], row["difference_high"]) == found.interval
    assert (row["p_better_low"], row["p_better_high"]) == found.p_better_interval
    assert (row["ci_low"], row["ci_high"]) == mean_interval(arm, overlap=0.25)
    told = (row["difference"], row["difference_sd"], row["effect_size"], row["p"], row["p_better"])
    assert told == (found.difference, found.sd, found.effect_size, found.p, found.p_better)
    assert math.isnan(row["p_exact"]) and row["p_holm"] == found.p
    assert row["detectable"] == detectable(found.sd, 9, 1, 0.25)
    apart = compare(pd.DataFrame(rows), "a", "loss").iloc[1]
    assert apart["p_exact"] == paired(arm, base).p_exact and apart["detectable"] == detectable(found.sd, 9)


@pytest.mark.parametrize(
    ("pairs", "difference", "p", "higher", "expected"),
    [
        (5, 1.0, 0.001, True, "too few seeds"),
        (6, 1.0, 0.05, True, "better"),
        (6, 1.0, 0.05, False, "worse"),
        (6, -1.0, 0.04, True, "worse"),
        (6, -1.0, 0.04, False, "better"),
        (6, 1.0, 1 - LEVEL, True, "better"),
        (6, 1.0, 0.0501, True, "not detected"),
        (6, 1.0, math.nan, True, "not detected"),
    ],
)
def test_verdicts(pairs, difference, p, higher, expected):
    found = replace(paired([1.0] * 6, [0.5] * 6), pairs=pairs, difference=difference)
    assert verdict(found, p, higher) == expected


def test_whole_figures_may_lack_seeds():
    table = pd.DataFrame({"arm": list("aaabb"), "seed": [0, 1, 2, 1, 2], "loss": [1, 2, 3, 5, 5]})
    row = compare(table, "a", "loss").iloc[1]
    assert (row["n"], row["mean"], row["difference"]) == (2, 5, 2.5)


def test_a_table_of_the_baseline_alone_has_numbers_for_what_there_is_not():
    alone = compare(pd.DataFrame({"arm": "a", "seed": [0, 1], "loss": [1.0, 2.0]}), "a", "loss")
    told = alone.drop(columns=["arm", "verdict"])
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in told.dtypes)
    assert told.columns[told.notna().all()].tolist() == ["n", "mean", "sd", "ci_low", "ci_high"]


def test_a_lower_loss_is_better():
    base = {"arm": "a", "seed": range(8), "loss": np.linspace(1, 2, 8)}
    less = {"arm": "b", "seed": range(8), "loss": np.linspace(0.5, 1.6, 8)}
    table = pd.concat([pd.DataFrame(base), pd.DataFrame(less)])
    assert compare(table, "a", "loss", higher_is_better=False)["verdict"].iloc[1] == "better"
    assert compare(table, "a", "loss")["verdict"].iloc[1] == "better"
    assert compare(table, "a", "loss", higher_is_better=True)["verdict"].iloc[1] == "worse"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"baseline": "z"}, "baseline='z': must be one of 'a', 'b'"),
        ({"metric": "acc", "higher_is_better": None}, "^the table has no column acc; it has arm, seed, score$"),
        ({"table": pd.DataFrame({"x": [1], "score": [1.0]})}, "^the table has no column arm, seed; it has x, score$"),
        ({"higher_is_better": None}, "score: its name doesn't tell whether higher or lower figures are better"),
        (
            {"table": pd.DataFrame({"arm": ["a", "b"], "seed": [0, 0], "score": ["x", "y"]})},
            "^column score: must be numbers, NaN where a",
        ),
        (
            {"table": pd.DataFrame({"arm": ["a", None], "seed": [0, 0], "score": [1.0, 2.0]})},
            "^the table has a row without an arm or a seed$",
        ),
        (
            {"table": pd.DataFrame({"arm": ["a", "a"], "seed": [0, None], "score": [1.0, 2.0]})},
            "without an arm or a seed",
        ),
        (
            {"table": pd.DataFrame({"arm": ["a", "b", "b", "b"], "seed": [0, 5, 7, 7], "score": [1, 2, 3, 4]})},
            "^arm b seed 7: is in the table twice$",
        ),
    ],
)
def test_a_wrong_table_is_refused(change, said):
    table = pd.DataFrame({"arm": ["a", "b"], "seed": [0, 0], "score": [1.0, 2.0]})
    with pytest.raises(ConfigError, match=said):
        compare(**{"table": table, "baseline": "a", "metric": "score", "higher_is_better": True} | change)


def test_tables_that_are_compared_together_are_one_family():
    random = np.random.default_rng(0)
    tables = []
    for arms in ("abc", "zy"):
        index = pd.MultiIndex.from_product([list(arms), range(8)], names=["arm", "seed"])
        tables.append(pd.DataFrame({"score": random.normal(0.5, 1, len(index))}, index).reset_index())
    settings = [Setting(tables[0], "a", "score", True), Setting(tables[1], "z", "score", True, overlap=0.25)]
    together = pd.concat(compare_together(settings))
    apart = [compare(one.table, one.baseline, "score", True, one.overlap) for one in settings]
    assert together["p"].tolist() == pytest.approx(pd.concat(apart)["p"].tolist(), nan_ok=True)
    assert together["p_holm"].tolist() == pytest.approx(holm(together["p"]).tolist(), nan_ok=True)
    assert (together["detectable"] > pd.concat(apart)["detectable"]).sum() == 3  # 3 tests, not 2 and 1
    assert together["verdict"].tolist().count("baseline") == 2


EQUAL = st.tuples(st.integers(2, 12), st.floats(-1e3, 1e3), st.lists(st.floats(-1e3, 1e3), min_size=12, max_size=12))


@settings(max_examples=200, deadline=None)
@given(EQUAL, st.sampled_from([np.float32, np.float64]), st.booleans())
def test_of_differences_that_are_equal_but_for_rounding_no_more_is_claimed_than_sign_flips_bear(drawn, kind, follows):
    n, by, values = drawn
    base = np.array(values[:n], dtype=kind)
    arms = {"a": base, "b": base + kind(by)}
    rows = [{"arm": arm, "seed": seed, "loss": x} for arm, own in arms.items() for seed, x in enumerate(own)]
    table = pd.DataFrame(rows).astype({"loss": kind})
    row = compare(table, "a", "loss", overlap=0.25 if follows else 0.0).iloc[1]
    assert row["p_holm"] >= (1 if follows else 2.0 ** (1 - n))
    assert row[["difference_low", "difference_high", "effect_size", "detectable"]].isna().all()
    assert row["difference_sd"] == 0
    if not row["difference"]:
        assert row["p"] == 1 and row["p_better"] == 0.5


def test_equal_differences_are_found_where_sign_flips_say_so_and_arms_that_tie_are_tested_too():
    figures = {"a": 0.0, "b": 0.1, "c": 0.0}
    rows = [{"arm": arm, "seed": s, "loss": s / 10 + by} for arm, by in figures.items() for s in range(6)]
    both = compare(pd.DataFrame(rows), "a", "loss").set_index("arm")
    assert (both.loc["b", "p"], both.loc["b", "p_holm"], both.loc["b", "verdict"]) == (2 / 64, 4 / 64, "not detected")
    assert (both.loc["c", "p"], both.loc["c", "p_holm"], both.loc["c", "verdict"]) == (1, 1, "not detected")
    alone = compare(pd.DataFrame(rows[:12]), "a", "loss").set_index("arm")
    assert (alone.loc["b", "p_holm"], alone.loc["b", "verdict"]) == (2 / 64, "worse")


@pytest.mark.parametrize("n", [5, 6])
def test_what_too_few_seeds_could_detect_is_nothing(n):
    index = pd.MultiIndex.from_product([list("ab"), range(n)], names=["arm", "seed"])
    table = pd.DataFrame({"loss": np.random.default_rng(0).normal(size=2 * n)}, index).reset_index()
    row = compare(table, "a", "loss").iloc[1]
    assert row["difference_sd"] > 0 and math.isnan(row["detectable"]) == (row["verdict"] == "too few seeds") == (n < 6)
