"""What the charts of studies draw: means, intervals, seeds, published runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from scipy import stats

from core.report.figures.palette import BLUE, LineStyle
from core.report.figures.studies import StudyLine, study_chart, y_range


@dataclass(frozen=True)
class Point:
    epoch: int
    test_accuracy: float


def line(*seeds: tuple[float, ...], **more) -> StudyLine:
    """A variant whose seeds have these accuracies by epoch."""
    runs = tuple(
        (seed, [Point(epoch, value) for epoch, value in enumerate(values, start=1)])
        for seed, values in enumerate(seeds)
    )
    return StudyLine("variant", LineStyle(BLUE, "circle"), runs, **more)


def test_the_mean_has_the_band_of_its_t_interval():
    seeds = (0.80, 0.90), (0.82, 0.91), (0.81, 0.95)
    *_, band, mean = study_chart([line(*seeds)], "").data
    assert list(mean.y) == pytest.approx([81, 92])
    low, high = stats.t.interval(0.95, 2, loc=92, scale=stats.sem([90, 91, 95]))
    assert list(band.x) == [1, 2, 2, 1]
    assert band.y[1] == pytest.approx(high) and band.y[2] == pytest.approx(low)
    assert "mean of 3 seeds" in mean.customdata[0]


def test_each_epoch_takes_the_seeds_that_have_finished_it():
    """A seed that has just begun must not cut the others' curves short."""
    [(_, first), (_, second)] = line((0.8, 0.9), (0.7,)).by_epoch()
    assert (first.count, second.count) == (2, 1)
    assert (first.mean, second.mean, second.low) == (pytest.approx(75), pytest.approx(90), None)


def test_one_seed_has_no_band_and_no_whisker():
    [mean] = study_chart([line((0.8, 0.9))], "").data
    assert list(mean.error_y.array) == [0.0, 0.0]


def test_every_seed_is_a_curve_with_one_entry_in_the_legend():
    first, second, *_, mean = study_chart([line((0.8, 0.9), (0.7, 0.95))], "").data
    assert [list(curve.y) for curve in (first, second)] == [[80, 90], [70, 95]]
    assert [curve.showlegend for curve in (first, second, mean)] == [False, False, None]
    assert first.line.width < mean.line.width


def test_more_than_two_means_have_no_bands():
    for count, bands in ((1, 1), (2, 2), (3, 0)):
        drawn = study_chart([line((0.8, 0.9), (0.7, 0.95), (0.75, 0.9))] * count, "").data
        assert sum(curve.fill == "toself" for curve in drawn) == bands


def test_two_seeds_cannot_tell_their_spread_and_have_no_band():
    *_, mean = study_chart([line((0.8, 0.9), (0.7, 0.95))], "").data
    assert not any(curve.fill for curve in study_chart([line((0.8, 0.9), (0.7, 0.95))], "").data)
    assert list(mean.error_y.array) == [0.0, 0.0]


def test_of_more_lines_than_colors_the_highest_stands_out():
    lines = [replace(line((0.5, end)), label=f"{end}") for end in (0.6, 0.9, 0.7, 0.8)]
    assert {curve.line.color for curve in study_chart(lines, "").data} == {BLUE}
    many = study_chart([*lines, *lines[:1] * 4], "").data
    assert [curve.name for curve in many if curve.line.color == BLUE] == ["0.9"]


def test_names_stand_at_the_ends_of_lines_and_a_growing_chart_has_a_legend():
    figure = study_chart([line((0.8, 0.9)), line((0.7, 0.9))], "")
    assert len(figure.layout.annotations) == 2 and figure.layout.showlegend is False
    assert figure.layout.meta["narrow"]["showlegend"] is True
    growing = study_chart([line((0.8, 0.9))], "", grows=True)
    assert not growing.layout.annotations and growing.layout.showlegend is None


def test_a_published_run_is_crosses_and_references_are_thin():
    mean, published = study_chart(
        [line((0.8, 0.9), (0.7, 0.95), published=(0.81, 0.92), thin=True)], ""
    ).data
    assert list(published.y) == pytest.approx([81, 92])
    assert published.marker.symbol == "x-thin"
    assert mean.line.width == 1


def test_the_axis_has_room_for_epochs_to_come_and_for_every_seed():
    figure = study_chart([line((0.8,))], "", epochs=10)
    assert figure.layout.xaxis.range[1] > 10
    low, high = y_range([line((0.8, 0.9), (0.7, 0.95))])
    assert low < 70 and 95 < high <= 100.5
    assert y_range([]) is None


def test_the_legend_stands_below_the_axis_title_and_more_lines_get_more_room():
    single, double = (study_chart([line((0.8, 0.9))] * count, "").layout for count in (2, 5))
    assert (single.legend.yref, single.legend.yanchor, single.xaxis.automargin) == (
        "container",
        "bottom",
        1,
    )
    assert double.height > single.height
