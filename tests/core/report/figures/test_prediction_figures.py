"""The confusion matrix and the probabilities as figures."""

from __future__ import annotations

import numpy as np
import pytest

from core.jobs.predictions import Predictions
from core.report.figures.predictions import confusion_map, probability_bars
from core.report.sentences.findings import confusion_finding
from tests.core.report.figures.test_palette import PAPER, contrast, in_theme

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


@pytest.mark.parametrize("theme", PAPER)
def test_every_number_in_the_matrix_can_be_read(theme):
    """Letters on every strength of a cell's color, over the page (WCAG 2.2: 4.5:1)."""
    figure = confusion_map(BY_HAND.confusion(3), ("a", "b", "c"), as_shares=False)
    letters = in_theme(figure.data[2].textfont.color, theme)
    for heat_map in figure.data[:2]:
        for _, color in heat_map.colorscale:
            ink, opacity = in_theme(color[:7], theme), int(color[7:], 16) / 255
            assert contrast(letters, blended(ink, PAPER[theme], opacity)) >= 4.5


def blended(color: str, paper: str, opacity: float) -> str:
    """A translucent color over the page."""
    parts = zip(bytes.fromhex(color[1:]), bytes.fromhex(paper[1:]), strict=True)
    return "#" + "".join(f"{round(opacity * c + (1 - opacity) * p):02X}" for c, p in parts)
