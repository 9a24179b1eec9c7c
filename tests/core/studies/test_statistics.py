"""The verdicts: against closed forms, and over many simulated ties and effects."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from core.studies.statistics import (
    ALPHA,
    MOST_SEEDS,
    POWER,
    compare,
    headline,
    mean_interval,
    method,
    power,
    roughly,
    seeds_needed,
    sentence,
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
    found = mean_interval([0.98, 0.99, 0.985])
    assert found.mean == pytest.approx(0.985)
    assert found.half == pytest.approx(4.302653 * 0.005 / sqrt(3), rel=1e-6)
    assert found.low == pytest.approx(found.mean - found.half)


def test_one_value_has_no_interval_and_none_no_mean():
    assert mean_interval([0.5]).low is None and mean_interval([0.5]).half is None
    assert mean_interval([]) is None


def test_intervals_cover_the_true_mean_in_95_of_100():
    rng = np.random.default_rng(1)
    found = [mean_interval(list(rng.normal(0.9, 0.01, 3))) for _ in range(STUDIES)]
    covered = sum(one.low <= 0.9 <= one.high for one in found) / STUDIES
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


def test_power_is_that_of_simulated_studies():
    rng = np.random.default_rng(8)
    for effect, count, alpha in ((1.0, 6, 0.05), (3.0, 4, 0.05 / 6)):
        draws = rng.normal(effect, 1.0, (20_000, count))
        found = (stats.ttest_1samp(draws, 0.0, axis=1).pvalue < alpha).mean()
        expected = power(effect, 1.0, count, alpha)
        assert abs(found - expected) < four_standard_errors(expected, 20_000)


@pytest.mark.slow
def test_the_announced_number_of_seeds_finds_the_difference_in_80_of_100_studies():
    deviation, effect = sqrt(2) * OWN_SPREAD, 0.004
    count = seeds_needed(deviation, ALPHA, effect)
    rng = np.random.default_rng(9)
    found = sum(
        compare(study(rng, [0.9 + effect, 0.9], count))[0].is_decided for _ in range(STUDIES)
    )
    expected = power(effect, deviation, count)
    assert POWER <= expected < POWER + 0.1
    assert abs(found / STUDIES - expected) < four_standard_errors(expected)


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


# In words --------------------------------------------------------------------------------------

CLEAR = {"A": {0: 0.9, 1: 0.91, 2: 0.905}, "B": {0: 0.87, 1: 0.8805, 2: 0.8747}}


def test_a_clear_difference_is_said_with_its_interval():
    [pair] = compare(CLEAR)
    assert sentence(pair) == (
        f"A is better than B by {100 * pair.difference:.2f} points"
        f" (95 % {100 * pair.low:.2f}–{100 * pair.high:.2f}), with 3 seeds."
    )
    assert headline([pair], ["A", "B"]) == "A is better than B."
    [other] = compare({"B": CLEAR["B"], "A": CLEAR["A"]})
    assert sentence(other) == sentence(pair)  # whichever comes first


def test_a_tie_is_said_with_the_seeds_that_it_would_take():
    [pair] = compare({"A": {0: 0.90, 1: 0.91, 2: 0.92}, "B": {0: 0.905, 1: 0.908, 2: 0.918}})
    assert sentence(pair) == (
        "A and B cannot be told apart with 3 seeds: −0.03 points (95 % −1.04 to +0.97); about"
        f" {roughly(pair.seeds_needed)} would be needed for a difference of 0.1 points."
    )
    assert pair.seeds_needed == seeds_needed(pair.deviation)
    assert headline([pair], ["A", "B"]) == "The two cannot be told apart with 3 seeds."


def test_more_seeds_than_anybody_trains_is_said_so():
    [pair] = compare({"A": {0: 0.1, 1: 0.9, 2: 0.5}, "B": {0: 0.9, 1: 0.1, 2: 0.6}})
    assert f"more than {MOST_SEEDS:,} would be needed" in sentence(pair)


def test_enough_seeds_and_no_difference_is_said_so():
    seeds = range(12)
    [pair] = compare({"A": {s: 0.9 + s % 2 * 1e-4 for s in seeds}, "B": dict.fromkeys(seeds, 0.9)})
    tied = compare(
        {"A": {s: 0.9 + (-1) ** s * 1e-4 for s in seeds}, "B": dict.fromkeys(seeds, 0.9)}
    )
    assert pair.is_decided and not tied[0].is_decided
    assert sentence(tied[0]).endswith("the interval leaves no room for a difference of 0.1 points.")


def test_a_spread_that_happened_to_be_small_is_no_proof_of_a_tie():
    """Post-hoc power would claim one, while the interval has room for the difference."""
    [pair] = compare({"A": {0: 4e-4, 1: 7e-4, 2: 1e-3}, "B": dict.fromkeys(range(3), 0.0)})
    assert not pair.is_decided and pair.seeds_needed <= 3 and pair.high > 0.001
    assert "more seeds would be needed to settle a difference of 0.1 points" in sentence(pair)


def test_an_interval_of_several_pairs_names_its_own_level():
    three = {"A": CLEAR["A"], "B": CLEAR["B"], "C": {0: 0.5, 1: 0.52, 2: 0.55}}
    pairs = compare(three)
    levels = {f"({100 * pair.confidence:.3g} %" for pair in pairs}
    assert levels == {"(98.3 %", "(97.5 %", "(95 %"}
    for pair in pairs:
        assert f"({100 * pair.confidence:.3g} % " in sentence(pair)


@pytest.mark.parametrize(("seeds", "said"), [(3, 3), (19, 19), (24, 20), (1387, 1000), (96, 100)])
def test_seeds_needed_are_said_no_more_exactly_than_they_are_known(seeds, said):
    assert roughly(seeds) == said


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_under_three_seeds_there_is_no_verdict(seeds):
    one = {seed: 0.9 + seed / 100 for seed in range(seeds)}
    pairs = compare({"A": one, "B": dict.fromkeys(one, 0.5)})
    assert pairs[0].p is None and not pairs[0].is_decided
    assert sentence(pairs[0]).startswith("No verdict on A and B: they share")
    assert headline(pairs, ["A", "B"]).startswith("No verdict: it takes at least 3")


def test_equal_differences_have_no_spread_and_get_no_test():
    equal = compare({"A": {0: 0.5, 1: 0.6, 2: 0.7}, "B": {0: 0.5, 1: 0.6, 2: 0.7}})[0]
    assert equal.p is None and "equal in each of 3 seeds" in sentence(equal)
    ahead = compare({"A": {0: 0.3, 1: 0.4, 2: 0.7}, "B": {0: 0.2, 1: 0.3, 2: 0.6}})[0]
    assert ahead.p is None and not ahead.is_decided
    assert "ahead by exactly 10.00 points in each of 3 seeds" in sentence(ahead)


def test_a_pair_without_a_test_makes_the_correction_no_milder():
    three = compare(CLEAR | {"C": {0: 0.5}})
    [decided] = [pair for pair in three if pair.p is not None]
    assert decided.holm_p == pytest.approx(3 * decided.p)
    assert decided.confidence == pytest.approx(1 - 0.05 / 3)


def test_the_method_names_test_correction_level_and_power():
    text = method(compare(study(np.random.default_rng(0), [0.9] * 4, 3)))
    for word in ("paired t", "Holm", "all 6 pairs", "noncentral t", "80 %", "÷ 6", "6.3"):
        assert word in text


def test_headlines_of_several_variants():
    rng = np.random.default_rng(10)
    best = compare(study(rng, [0.95, 0.9, 0.85], 10))
    assert headline(best, ["v0", "v1", "v2"]) == "v0 is better than each of the others."
    tied = compare(study(np.random.default_rng(11), [0.9] * 3, 3))
    assert headline(tied, ["v0", "v1", "v2"]) == (
        "No two of these 3 variants can be told apart with 3 seeds."
    )
    some = compare(study(rng, [0.95, 0.95, 0.85], 5))
    assert headline(some, ["v0", "v1", "v2"]).endswith("not beaten: v0, v1.")
    assert headline([], ["v0"]).startswith("One variant alone")
