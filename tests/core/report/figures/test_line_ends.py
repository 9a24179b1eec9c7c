"""Names at the ends of lines never meet, and stay as near as can be."""

from __future__ import annotations

from itertools import pairwise

import plotly.graph_objects as go
import pytest

from core.report.figures.line_ends import LineEnd, name_line_ends, spread
from core.report.figures.palette import BLUE


@pytest.mark.parametrize(
    "wanted", [[], [5], [5, 5, 5], [0, 1, 100, 101, 102], [95, 97, 99, 100], [10, 40, 70]]
)
def test_places_are_apart_and_inside(wanted):
    places = spread(wanted, 10, 100)
    assert len(places) == len(wanted)
    assert all(after - before >= 10 - 1e-9 for before, after in pairwise(places))
    assert all(-1e-9 <= place <= 100 + 1e-9 for place in places)


def test_who_has_room_stays_where_it_wants_and_a_crowd_keeps_its_middle():
    assert spread([10, 40, 70], 10, 100) == [10, 40, 70]
    assert spread([50, 50, 50], 10, 100) == [40, 50, 60]
    assert spread([0, 0, 80], 10, 100) == [0, 10, 80]


def test_the_name_of_a_line_points_at_its_end_and_has_its_marker():
    figure = go.Figure()
    ends = [LineEnd("low", 5, 1.0, BLUE, "square"), LineEnd("high", 5, 1.1, BLUE, "circle")]
    name_line_ends(figure, ends, (0.0, 10.0), 200)
    high, low = figure.layout.annotations
    assert (high.x, high.y, low.y) == (5, 1.1, 1.0)
    assert "● " not in high.text and "●</span> high" in high.text and "■</span> low" in low.text
    assert 200 * (1 - 0.1) + low.ay - (200 * (1 - 0.11) + high.ay) == pytest.approx(16)
    assert figure.layout.margin.r > 60
