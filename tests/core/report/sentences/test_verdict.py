"""The verdict of a study in words."""

from __future__ import annotations

import numpy as np
import pytest

from core.report.sentences.verdict import (
    capitalized,
    finding,
    headline,
    method,
    pair_sentence,
    roughly,
)
from core.studies.statistics import (
    MOST_SEEDS,
    compare,
    seeds_needed,
)

SEED_SPREAD, OWN_SPREAD = 0.004, 0.002  # of accuracies: shared by a seed's variants, and not


def study(rng: np.random.Generator, means: list[float], seeds: int) -> dict[str, dict[int, float]]:
    """Accuracies of variants with these true means; a seed lifts or lowers all of them."""
    shared = rng.normal(0, SEED_SPREAD, seeds)
    return {
        f"v{index}": dict(enumerate(mean + shared + rng.normal(0, OWN_SPREAD, seeds)))
        for index, mean in enumerate(means)
    }


CLEAR = {"A": {0: 0.9, 1: 0.91, 2: 0.905}, "B": {0: 0.87, 1: 0.8805, 2: 0.8747}}


def test_a_clear_difference_is_said_with_its_interval():
    [pair] = compare(CLEAR)
    assert pair_sentence(pair) == (
        f"A is better than B by {100 * pair.difference:.2f} points"
        f" (95 % {100 * pair.low:.2f}–{100 * pair.high:.2f}), with 3 seeds."
    )
    assert headline([pair], ["A", "B"]) == "A is better than B."
    [other] = compare({"B": CLEAR["B"], "A": CLEAR["A"]})
    assert pair_sentence(other) == pair_sentence(pair)  # whichever comes first


def test_a_tie_is_said_with_the_seeds_that_it_would_take():
    [pair] = compare({"A": {0: 0.90, 1: 0.91, 2: 0.92}, "B": {0: 0.905, 1: 0.908, 2: 0.918}})
    assert pair_sentence(pair) == (
        "A and B cannot be told apart with 3 seeds: −0.03 points (95 % −1.04 to +0.97); about"
        f" {roughly(pair.seeds_needed)} would be needed for a difference of 0.1 points."
    )
    assert pair.seeds_needed == seeds_needed(pair.deviation)
    assert headline([pair], ["A", "B"]) == "The two cannot be told apart with 3 seeds."


def test_more_seeds_than_anybody_trains_is_said_so():
    [pair] = compare({"A": {0: 0.1, 1: 0.9, 2: 0.5}, "B": {0: 0.9, 1: 0.1, 2: 0.6}})
    assert f"more than {MOST_SEEDS:,} would be needed" in pair_sentence(pair)


def test_enough_seeds_and_no_difference_is_said_so():
    seeds = range(12)
    [pair] = compare({"A": {s: 0.9 + s % 2 * 1e-4 for s in seeds}, "B": dict.fromkeys(seeds, 0.9)})
    tied = compare(
        {"A": {s: 0.9 + (-1) ** s * 1e-4 for s in seeds}, "B": dict.fromkeys(seeds, 0.9)}
    )
    assert pair.is_decided and not tied[0].is_decided
    assert pair_sentence(tied[0]).endswith(
        "the interval leaves no room for a difference of 0.1 points."
    )


def test_a_spread_that_happened_to_be_small_is_no_proof_of_a_tie():
    """Post-hoc power would claim one, while the interval has room for the difference."""
    [pair] = compare({"A": {0: 4e-4, 1: 7e-4, 2: 1e-3}, "B": dict.fromkeys(range(3), 0.0)})
    assert not pair.is_decided and pair.seeds_needed <= 3 and pair.high > 0.001
    assert "more seeds would be needed to settle a difference of 0.1 points" in pair_sentence(pair)


def test_an_interval_of_several_pairs_names_its_own_level():
    three = {"A": CLEAR["A"], "B": CLEAR["B"], "C": {0: 0.5, 1: 0.52, 2: 0.55}}
    pairs = compare(three)
    levels = {f"({100 * pair.confidence:.3g} %" for pair in pairs}
    assert levels == {"(98.3 %", "(97.5 %", "(95 %"}
    for pair in pairs:
        assert f"({100 * pair.confidence:.3g} % " in pair_sentence(pair)


@pytest.mark.parametrize(("seeds", "shown"), [(3, 3), (19, 19), (24, 20), (1387, 1000), (96, 100)])
def test_seeds_needed_are_said_no_more_exactly_than_they_are_known(seeds, shown):
    assert roughly(seeds) == shown


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_under_three_seeds_there_is_no_verdict(seeds):
    accuracies = {seed: 0.9 + seed / 100 for seed in range(seeds)}
    pairs = compare({"A": accuracies, "B": dict.fromkeys(accuracies, 0.5)})
    assert pairs[0].p is None and not pairs[0].is_decided
    assert pair_sentence(pairs[0]).startswith("No verdict on A and B: they share")
    assert headline(pairs, ["A", "B"]).startswith("No verdict: it takes at least 3")


def test_equal_differences_have_no_spread_and_get_no_test():
    equal = compare({"A": {0: 0.5, 1: 0.6, 2: 0.7}, "B": {0: 0.5, 1: 0.6, 2: 0.7}})[0]
    assert equal.p is None and "equal in each of 3 seeds" in pair_sentence(equal)
    ahead = compare({"A": {0: 0.3, 1: 0.4, 2: 0.7}, "B": {0: 0.2, 1: 0.3, 2: 0.6}})[0]
    assert ahead.p is None and not ahead.is_decided
    assert "ahead by exactly 10.00 points in each of 3 seeds" in pair_sentence(ahead)


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


def test_the_finding_is_one_sentence_with_the_numbers_of_the_surest_pair():
    [pair] = compare(CLEAR)
    assert finding([pair], ["A", "B"]) == pair_sentence(pair)
    one = compare(CLEAR | {"C": {0: 0.871, 1: 0.879, 2: 0.8753}})
    said = finding(one, ["A", "B", "C"])
    assert said.startswith("A is better than each of the others; the nearest, ")
    rng = np.random.default_rng(10)
    study(rng, [0.95, 0.9, 0.85], 10)
    some = compare(study(rng, [0.95, 0.95, 0.85], 5))
    open_pair = next(pair for pair in some if not pair.is_decided)
    assert finding(some, ["v0", "v1", "v2"]).endswith(
        f"; {open_pair.first} and {open_pair.second} cannot be told apart with 5 seeds."
    )
    surest = min((pair for pair in some if pair.is_decided), key=lambda pair: pair.holm_p)
    assert f"{surest.better} is better than {surest.worse} by" in finding(some, ["v0", "v1", "v2"])
    tied = compare(study(np.random.default_rng(11), [0.9] * 3, 3))
    assert finding(tied, ["v0", "v1", "v2"]).startswith("No two of these 3 variants")


def test_a_sentence_begins_with_a_large_letter_but_not_a_file():
    assert capitalized("conv shortcut is better") == "Conv shortcut is better"
    assert capitalized("nets.py:Net, width 4 is better").startswith("nets.py:Net")
