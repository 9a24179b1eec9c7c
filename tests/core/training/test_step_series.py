"""What steps come to between the epochs: bounded, exact means, without weight for the training."""

from __future__ import annotations

import math

import pytest

from core.training import step_readings
from core.training.fit import fit, start
from core.training.records import EpochMetrics
from core.training.step_series import MOST, StepPoint, StepSeries
from tests.core.training.tiny_training import TINY, epochs, equal_weights, learnt


def series_of(readings: int) -> StepSeries:
    """A point every 10 images; the loss of reading n is n."""
    series = StepSeries()
    for n in range(readings):
        series = series.add(StepPoint(10 * (n + 1), float(n), 0.5))
    return series


@pytest.mark.parametrize("readings", [1, MOST, MOST + 1, 3 * MOST + 7, 10 * MOST])
def test_a_series_is_bounded_and_keeps_the_mean_of_all_readings(readings):
    series = series_of(readings)
    assert MOST // 2 <= len(series.points) <= MOST or readings < MOST
    starts = [0, *(point.images for point in series.points)]
    total = sum(
        point.loss * (point.images - start)
        for start, point in zip(starts, series.points, strict=False)
    )
    assert series.points[-1].images == 10 * readings
    assert total == pytest.approx(10 * sum(range(readings)))


def test_points_that_are_settled_stay_until_the_series_is_full():
    before, after = series_of(MOST + 4), series_of(MOST + 5)
    assert before.width == after.width == 2
    assert before.points[: before.settled] == after.points[: before.settled]
    assert before.settled < len(before.points) or before.filled == before.width


def test_json_keeps_five_digits_and_what_is_no_number():
    series = StepSeries((StepPoint(32, 1 / 3, 0.25), StepPoint(64, math.nan, 0.5)), 4, 2)
    back = StepSeries.from_json(series.to_json())
    assert (back.width, back.filled, back.points[0]) == (4, 2, StepPoint(32, 0.33333, 0.25))
    assert math.isnan(back.points[1].loss)


@pytest.mark.slow
def test_reading_each_step_changes_no_bit(tiny, monkeypatch, one_thread):
    unread = start(TINY)
    monkeypatch.setattr(step_readings, "READING_SECONDS", 1e9)
    rows = learnt(epochs(fit(TINY, tiny, unread)))
    assert len(unread.series.points) == 2  # the first step, and what was left at the end

    read = start(TINY)
    monkeypatch.setattr(step_readings, "READING_SECONDS", 0.0)
    assert learnt(epochs(fit(TINY, tiny, read))) == rows
    assert equal_weights(read, unread)
    whole = [point for point in read.series.points if point.images > 2 * 96]
    assert read.series.points[-1].images == 3 * 96 and len(read.series.points) > 4
    assert all(0 <= point.accuracy <= 1 and point.loss > 0 for point in whole)


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_points_up_to_the_checkpoint(tiny, monkeypatch, one_thread):
    monkeypatch.setattr(step_readings, "READING_SECONDS", 0.0)
    first = start(TINY)
    events = fit(TINY, tiny, first)
    next(event for event in events if isinstance(event, EpochMetrics))
    for _ in range(2):
        next(events)
    state, kept = first.state(), first.series
    next(events)
    second = start(TINY)
    second.restore(state)
    assert second.series == StepSeries.from_json(kept.to_json())
    list(fit(TINY, tiny, second))
    assert second.series.points[: len(kept.points)] == StepSeries.from_json(kept.to_json()).points
    assert second.series.points[len(kept.points)].images > kept.points[-1].images
    assert second.series.points[-1].images == 3 * 96
