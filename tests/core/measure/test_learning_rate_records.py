"""How the curve of a range test is read."""

from __future__ import annotations

import math
from math import inf, log10, nan

import pytest

from core.measure.learning_rate_records import (
    HIGHEST,
    LOWEST,
    LearningRates,
    Sweep,
    seeds_of,
    smoothed,
    swept_rates,
    until_it_diverges,
)
from core.specs import MAX_SEED
from tests.core.measure.example_rates import FOUND, STEPS, measured, valley


def test_the_rates_grow_by_one_factor_from_the_lowest_to_the_highest():
    rates = swept_rates(6)
    assert rates == pytest.approx([1e-4, 1e-3, 0.01, 0.1, 1, 10])
    assert (rates[0], swept_rates(133)[-1]) == (LOWEST, pytest.approx(HIGHEST))


def test_the_seed_after_the_last_one_is_the_first():
    assert seeds_of(7, 3) == [7, 8, 9]
    assert seeds_of(MAX_SEED, 2) == [MAX_SEED, 0]


def test_an_average_has_no_bias_and_no_delay():
    assert smoothed([2.0] * 30, 200) == pytest.approx([2.0] * 30)
    peak = smoothed([1.0] * 50 + [0.0] + [1.0] * 50, 200)
    assert peak.index(min(peak)) == 50 and peak == pytest.approx(peak[::-1])
    assert smoothed([], 100) == []


def test_noise_is_averaged_away():
    noise = [0.3 if step % 2 else -0.3 for step in range(200)]
    assert max(abs(value - 2) for value in smoothed([2 + n for n in noise], 200)[5:-5]) < 0.04


@pytest.mark.parametrize("lowest", [0.003, 0.1, 1.0])
def test_the_loss_begins_to_rise_where_it_is_lowest(lowest):
    found = measured(valley(lowest))
    step = (HIGHEST / LOWEST) ** (1 / (STEPS - 1))
    assert lowest / step <= found.rise.median <= lowest * step
    assert lowest / 10 < found.steepest.median < lowest


def test_an_explosion_does_not_color_what_was_before_it():
    [calm], [violent] = (
        measured(lambda rate, end=end: valley(0.1)(rate) if rate < 0.5 else end).readings
        for end in (2.0, 1e9)
    )
    assert calm == violent


def test_figures_come_with_their_spread_over_the_seeds():
    assert FOUND.rise == pytest.approx((0.1, 10**-1.5, 10**-0.5), rel=1e-6)


def test_a_loss_that_never_falls_has_no_rate():
    found = measured(lambda rate: 2.3 if rate < 1 else 9.0)
    assert found.rise is None and found.steepest is None


def test_a_loss_that_still_falls_at_the_end_has_not_risen():
    found = measured(lambda rate: 2 - 0.2 * log10(rate / LOWEST), diverged=False)
    assert found.rise is None and found.steepest is not None


def test_a_sweep_that_ends_in_no_number_has_risen_where_it_was_lowest():
    losses = tuple(2 - 0.01 * step for step in range(80))
    found = LearningRates("{}", 1.0, "", STEPS, (Sweep(0, losses, diverged=True),))
    assert found.rise.median == found.rates[79]


def test_only_sweeps_that_are_over_are_read():
    whole = measured(valley(0.1), valley(0.1))
    going_on = Sweep(2, whole.sweeps[0].losses[:10])
    found = LearningRates("{}", 0.7, "", STEPS, (*whole.sweeps, going_on))
    assert found.mean_curve == pytest.approx(whole.smoothed(whole.sweeps[0]))
    assert [reading.seed for reading in found.readings] == [0, 1]
    assert LearningRates("{}", 0.0, "", STEPS, (going_on,)).mean_curve == []
    assert LearningRates("{}", 0.0, "", STEPS, ()).rise is None


def test_a_sweep_ends_where_its_loss_is_far_above_its_best():
    assert list(until_it_diverges(iter([2.0, 1.0, nan, 1.0]), 100)) == [2.0, 1.0]
    assert list(until_it_diverges(iter([2.0, inf]), 100)) == [2.0]
    falling = [2.0 * 0.97**step for step in range(60)]
    *kept, last = until_it_diverges(iter([*falling, *[1e3] * 9]), 100)
    assert kept == falling and last == 1e3
    assert len(list(until_it_diverges(iter([2.3] * 100), 100))) == 100
    assert math.isfinite(sum(until_it_diverges(iter([1e30] * 3), 100)))
