"""The confusion matrix and the probabilities as figures."""

from __future__ import annotations

import numpy as np

from core.jobs.predictions import Predictions
from core.report.figures.predictions import confusion_map, probability_bars
from core.report.sentences.findings import confusion_finding

BY_HAND = Predictions(  # classes 0, 1, 2; the last two are wrong
    np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0, 0.4, 0.6], [0.1, 0.8, 0.1]], np.float32),
    np.array([0, 1, 1, 2], np.uint8),
)


def test_the_figures_say_which_mistake_is_made_most():
    matrix = BY_HAND.confusion(3)
    names = ("a", "b", "c")
    assert confusion_finding(matrix, names) == "Most often b is taken for c: 1 times"
    assert confusion_finding(np.eye(3, dtype=np.int64), names) == "No mistake at all"
    figure = confusion_map(matrix, names, as_shares=True)
    assert [list(row) for row in figure.data[1].customdata][1][2] == (
        "true: <b>b</b><br>predicted: <b>c</b><br>1 of 2 (50.0 %)"
    )
    assert "50.0" in figure.data[2].text
    bars = probability_bars(names, [("run 1", BY_HAND.probabilities[0])], 0)
    assert bars.data[0].y[0] == "<b>a ✓</b>"
    assert bars.layout.margin.r > 16  # half of "100 %" stands right of the axis
