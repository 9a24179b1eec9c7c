"""Loss and accuracy by epoch as figures."""

from __future__ import annotations

import pytest

from core.report.figures.curves import Curve, accuracy_chart, loss_chart
from core.report.figures.palette import BLUE
from core.training.records import EpochMetrics


def curve(epochs: int, best_epoch: int | None = None) -> Curve:
    """A run that learns a little with each epoch."""
    metrics = tuple(
        EpochMetrics(n, 1 / n, 0.5 + 0.1 * n, 2 / n, 0.4 + 0.1 * n, 1.0, 0.1, 500.0, 0.1)
        for n in range(1, epochs + 1)
    )
    return Curve("a run", BLUE, "circle", metrics, best_epoch)


def test_training_is_dashed_and_the_test_images_are_solid():
    train, test = loss_chart([curve(3)], 10).data
    assert (train.name, train.line.dash, list(train.y)) == ("train", "dash", [1, 1 / 2, 1 / 3])
    assert (test.name, test.line.dash, list(test.y)) == ("test", "solid", [2, 1, 2 / 3])
    assert list(test.x) == [1, 2, 3]


def test_the_best_epoch_is_marked_with_its_accuracy():
    figure = accuracy_chart([curve(3, best_epoch=2)], train=True)
    [label], best = figure.layout.annotations, figure.data[-1]
    assert (best.x, label.x, round(label.y), label.text) == ((2,), 2, 60, "best 60.00 %")
    assert len(accuracy_chart([curve(3)], train=True).data) == 2


@pytest.mark.parametrize("best_epoch", [1, 5])
def test_what_is_said_of_the_best_epoch_stands_towards_the_middle_of_the_chart(best_epoch):
    """Where the best epoch is the last one, a label centred on it would be cut off."""
    [label] = accuracy_chart([curve(5, best_epoch)], train=True).layout.annotations
    assert (label.xanchor, label.ax < 0) == (
        ("right", True) if best_epoch == 5 else ("left", False)
    )


def test_curves_side_by_side_are_called_by_their_run_and_share_an_axis():
    figure = accuracy_chart([curve(3), curve(12), curve(0)])
    assert [line.name for line in figure.data] == ["a run", "a run"]  # nothing is drawn of no epoch
    assert figure.layout.xaxis.range == (0, 12.2)


def test_one_epoch_is_a_point_and_no_line():
    assert {line.mode for line in loss_chart([curve(1)], 10).data} == {"lines+markers"}
    assert loss_chart([curve(2)], 10).data[0].mode == "lines"
