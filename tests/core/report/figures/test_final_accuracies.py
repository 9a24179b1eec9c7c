"""Final accuracies as dots: every seed, the mean and its interval, what was published."""

from __future__ import annotations

import pytest
from scipy import stats

from core.report.figures.final_accuracies import FinalAccuracies, final_accuracy_chart
from core.report.figures.pairs import pair_matrix
from core.report.figures.palette import BLUE, LineStyle
from core.studies.statistics import compare

STYLE = LineStyle(BLUE, "circle")
LOW = FinalAccuracies("low", STYLE, {0: 0.80, 1: 0.82, 2: 0.81})
HIGH = FinalAccuracies(
    "a name that takes two lines", STYLE, {0: 0.90, 1: 0.91, 2: 0.95}, 0.93, 0.01
)


def test_every_seed_is_a_dot_and_the_highest_mean_stands_at_the_top():
    figure = final_accuracy_chart([LOW, HIGH], "title")
    assert figure.layout.yaxis.ticktext == ("a name that takes<br>two lines", "low")
    dots, mean, published, low_dots, _ = figure.data
    assert list(dots.x) == pytest.approx([90, 91, 95]) and list(dots.customdata) == [0, 1, 2]
    assert list(low_dots.x) == pytest.approx([80, 82, 81])
    assert all(-0.5 < y < 0.5 for y in dots.y) and all(0.5 < y < 1.5 for y in low_dots.y)
    low, high = stats.t.interval(0.95, 2, loc=92, scale=stats.sem([90, 91, 95]))
    assert mean.x[0] == pytest.approx(92)
    assert mean.error_x.array[0] == pytest.approx((high - low) / 2)
    assert published.x[0] == pytest.approx(93) and published.error_x.array[0] == pytest.approx(1)
    left, right = figure.layout.xaxis.range
    assert left < 80 and right > min(high, 99)


def test_while_results_come_in_rows_stay_and_no_interval_is_drawn():
    figure = final_accuracy_chart([LOW, HIGH], "title", grows=True)
    assert figure.layout.yaxis.ticktext[0] == "low"
    assert "6 seeds so far" in figure.layout.title.text
    assert len(figure.data) == 3  # the dots of both, and what was published
    assert final_accuracy_chart([], "title", grows=True).layout.xaxis.range == (0.0, 100.0)


def test_one_seed_has_a_dot_alone():
    figure = final_accuracy_chart([FinalAccuracies("one", STYLE, {4: 0.5})], "title")
    assert len(figure.data) == 1 and "one seed each" in figure.layout.title.text


def test_two_seeds_have_a_mean_without_a_bar():
    figure = final_accuracy_chart([FinalAccuracies("two", STYLE, {0: 0.5, 1: 0.6})], "title")
    _, mean = figure.data
    assert mean.x[0] == pytest.approx(55) and mean.error_x.visible is False
    low, high = figure.layout.xaxis.range
    assert low > 45 and high < 65 and "means" in figure.layout.title.text


def test_the_matrix_has_every_pair_twice_and_colors_what_can_be_told_apart():
    pairs = compare(
        {
            "A": {0: 0.9, 1: 0.91, 2: 0.905},
            "B": {0: 0.80, 1: 0.8105, 2: 0.8047},
            "C": {0: 0.91, 1: 0.90, 2: 0.9},
        }
    )
    cells = pair_matrix(pairs, ["A", "B", "C"]).data[0]
    by_name = {(pair.first, pair.second): pair for pair in pairs}
    assert by_name["A", "B"].is_decided and not by_name["A", "C"].is_decided
    assert cells.z[0][1] == -cells.z[1][0] == by_name["A", "B"].difference
    assert cells.z[0][2] == 0.0  # white
    assert cells.text[0][2] == "+0.17" and "<b>" in cells.text[0][1]
    assert cells.z[1][1] is None and cells.text[1][1] == ""
