"""Networks side by side as figures."""

from __future__ import annotations

from core.report.figures.comparison import AccuracyPoint, accuracy_scatter


def test_labels_of_points_near_an_end_run_towards_the_middle():
    reached = [
        AccuracyPoint(name, "#000", "circle", macs, (0.5, 0.6)[:runs])
        for name, macs, runs in (("a", 10**6, 1), ("b", 10**7, 2), ("c", 10**8, 2))
    ]
    points = accuracy_scatter(reached, "mnist").data[1:]
    assert [point.textposition for point in points] == ["bottom right", "bottom center", "top left"]
    assert "(1 run)" in points[0].hovertemplate
    assert "(2 runs, 50.00 to 60.00)" in points[1].hovertemplate
    [alone] = accuracy_scatter(reached[:1], "mnist").data[1:]
    assert alone.textposition == "bottom center"


def test_the_mean_of_many_equal_accuracies_is_that_accuracy():
    """A sum that rounds would show an axis of fourteen digits."""
    assert AccuracyPoint("a", "#000000", "circle", 1, (0.9,) * 2_500).mean == 0.9
