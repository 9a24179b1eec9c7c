"""The verdicts: against closed forms, and over many simulated ties and effects."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from core.studies.statistics import (
    ALPHA,
    POWER,
    compare,
    mean_interval,
    paired_t,
    power,
    seeds_needed,
    spread_factor,
)

STUDIES = 1_500  # simulated
SEED_SPREAD, OWN_SPREAD = 0.004, 0.002  # of accuracies: shared by a seed's variants, and not


def study(rng: np.random.Generator, means: list[float], seeds: int) -> dict[str, dict[int, float]]:
    """Accuracies of variants with these true means; a seed lifts or lowers all of them."""
    shared = rng.normal(0, SEED_SPREAD, seeds)
    return {
        f"v{index}": dict(enumerate(mean + shared + rng.normal(0, OWN_SPREAD, seeds)))
        for index, mean in enumerate(means)
    }


def four_standard_errors(share: float, count: int = STUDIES) -> float:
    """How far a simulated share may lie from the true one."""
    return 4 * sqrt(share * (1 - share) / count)


# Means -----------------------------------------------------------------------------------------


def test_a_mean_of_three_has_the_interval_of_the_tables():
    """t(0.975, 2 degrees of freedom) is 4.303."""
    interval = mean_interval([0.98, 0.99, 0.985])
    assert interval.mean == pytest.approx(0.985)
    assert interval.half == pytest.approx(4.302653 * 0.005 / sqrt(3), rel=1e-6)
    assert interval.low == pytest.approx(interval.mean - interval.half)


def test_one_value_has_no_interval_and_none_no_mean():
    assert mean_interval([0.5]).low is None and mean_interval([0.5]).half is None
    assert mean_interval([]) is None


def test_intervals_cover_the_true_mean_in_95_of_100():
    rng = np.random.default_rng(1)
    intervals = [mean_interval(list(rng.normal(0.9, 0.01, 3))) for _ in range(STUDIES)]
    covered = sum(interval.low <= 0.9 <= interval.high for interval in intervals) / STUDIES
    assert abs(covered - 0.95) < four_standard_errors(0.95)


# Pairs -----------------------------------------------------------------------------------------


def test_a_single_pair_is_the_paired_t_test_of_the_text_books():
    a, b = [0.91, 0.93, 0.92, 0.95], [0.90, 0.91, 0.92, 0.92]
    [pair] = compare({"a": dict(enumerate(a)), "b": dict(enumerate(b))})
    differences = np.subtract(a, b)
    t = differences.mean() / (differences.std(ddof=1) / 2)
    assert pair.p == pytest.approx(2 * stats.t.sf(t, 3))
    assert pair.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert (pair.holm_p, pair.confidence) == (pair.p, 0.95)
    half = 3.182446 * differences.std(ddof=1) / 2
    assert (pair.low, pair.high) == pytest.approx((0.015 - half, 0.015 + half), rel=1e-5)


def test_the_p_value_is_scipy_s():
    rng = np.random.default_rng(12)
    for count in range(3, 40):
        differences = rng.normal(0.002, 0.004, count)
        expected = stats.ttest_1samp(differences, 0.0).pvalue
        assert paired_t(differences) == pytest.approx(expected, rel=1e-12)


def test_only_seeds_that_both_have_are_compared():
    [pair] = compare({"a": {0: 0.9, 1: 0.8, 5: 0.85, 7: 0.7}, "b": {0: 0.8, 1: 0.75, 5: 0.8, 9: 1}})
    assert pair.seeds == (0, 1, 5)
    assert pair.difference == pytest.approx((0.1 + 0.05 + 0.05) / 3)


def test_holm_is_that_of_his_paper_step_by_step():
    rng = np.random.default_rng(2)
    for _ in range(50):
        pairs = compare(study(rng, [0.9, 0.902, 0.905, 0.91], 4))
        ordered = sorted(pairs, key=lambda pair: pair.p)
        steps = [min(1.0, pair.p * (6 - rank)) for rank, pair in enumerate(ordered)]
        expected = [max(steps[: rank + 1]) for rank in range(6)]
        assert [pair.holm_p for pair in ordered] == pytest.approx(expected)


def test_an_interval_excludes_zero_exactly_where_holm_rejects_and_is_never_under_95():
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(200):
        for pair in compare(study(rng, [0.9, 0.902, 0.906, 0.915], 4)):
            assert (pair.low > 0 or pair.high < 0) == pair.is_decided
            assert pair.confidence >= 0.95 - 1e-12
            seen.add(pair.is_decided)
    assert seen == {True, False}


@pytest.mark.slow
def test_intervals_of_pairs_cover_their_true_differences():
    rng, means = np.random.default_rng(4), [0.9, 0.901, 0.903, 0.91]
    truth = {(f"v{a}", f"v{b}"): means[a] - means[b] for a, b in combinations(range(len(means)), 2)}
    covered = 0
    for _ in range(400):
        for pair in compare(study(rng, means, 3)):
            covered += pair.low <= truth[pair.first, pair.second] <= pair.high
    assert covered / (400 * 6) > 0.95 - four_standard_errors(0.95, 400)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_ties_are_called_better_in_at_most_5_of_100_studies(seeds):
    rng = np.random.default_rng(seeds)
    wrong = sum(
        any(pair.is_decided for pair in compare(study(rng, [0.9] * 4, seeds)))
        for _ in range(STUDIES)
    )
    assert wrong / STUDIES < ALPHA + four_standard_errors(ALPHA)


@pytest.mark.slow
def test_ties_beside_a_true_effect_are_called_better_in_at_most_5_of_100_studies():
    """The step that a true effect frees must not be spent on the ties: v1, v2, v3 are equal."""
    rng = np.random.default_rng(6)
    wrong = 0
    for _ in range(STUDIES):
        pairs = compare(study(rng, [0.95, 0.9, 0.9, 0.9], 3))
        wrong += any(pair.is_decided for pair in pairs if pair.first != "v0")
    assert wrong / STUDIES < ALPHA + four_standard_errors(ALPHA)


@pytest.mark.slow
def test_a_single_tie_is_called_better_in_5_of_100_studies():
    """Not fewer either: the test is exact."""
    rng = np.random.default_rng(7)
    wrong = sum(compare(study(rng, [0.9, 0.9], 3))[0].is_decided for _ in range(STUDIES))
    assert abs(wrong / STUDIES - ALPHA) < four_standard_errors(ALPHA)


# Power -----------------------------------------------------------------------------------------


def test_power_agrees_with_a_published_table():
    """Cohen 1988: a paired t test of d = 0.5 needs 34 pairs, of d = 0.2 199, of d = 0.8 15."""
    for effect, pairs in ((0.2, 199), (0.5, 34), (0.8, 15)):
        assert seeds_needed(1.0, ALPHA, effect) == pairs


def test_without_an_effect_power_is_the_level_of_the_test():
    """Half of it in each tail."""
    assert power(1e-9, 1.0, 5) == pytest.approx(ALPHA, rel=1e-6)


def test_power_is_that_of_simulated_studies():
    rng = np.random.default_rng(8)
    for effect, count, alpha in ((1.0, 6, 0.05), (3.0, 4, 0.05 / 6)):
        draws = rng.normal(effect, 1.0, (20_000, count))
        share = (stats.ttest_1samp(draws, 0.0, axis=1).pvalue < alpha).mean()
        expected = power(effect, 1.0, count, alpha)
        assert abs(share - expected) < four_standard_errors(expected, 20_000)


@pytest.mark.slow
def test_the_announced_number_of_seeds_finds_the_difference_in_80_of_100_studies():
    deviation, effect = sqrt(2) * OWN_SPREAD, 0.004
    count = seeds_needed(deviation, ALPHA, effect)
    rng = np.random.default_rng(9)
    decided = sum(
        compare(study(rng, [0.9 + effect, 0.9], count))[0].is_decided for _ in range(STUDIES)
    )
    expected = power(effect, deviation, count)
    assert POWER <= expected < POWER + 0.1
    assert abs(decided / STUDIES - expected) < four_standard_errors(expected)


def test_the_number_of_seeds_is_the_smallest_that_does():
    for deviation in (0.0004, 0.002, 0.01):
        count = seeds_needed(deviation, 0.05 / 6)
        assert power(0.001, deviation, count, 0.05 / 6) >= POWER
        assert count == 3 or power(0.001, deviation, count - 1, 0.05 / 6) < POWER


def test_extreme_spreads_need_the_fewest_or_more_than_anybody_trains():
    assert seeds_needed(1e-9) == 3
    assert seeds_needed(0.5) is None and seeds_needed(None) is None
    assert power(1.0, 1e-6, 3) == 1.0


def test_how_little_three_seeds_tell_of_the_spread():
    """χ²(0.025, 2 degrees of freedom) is 0.0506."""
    assert spread_factor(3) == pytest.approx(sqrt(2 / 0.050636), rel=1e-4)
