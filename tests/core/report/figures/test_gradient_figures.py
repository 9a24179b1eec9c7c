"""Gradients through deep networks and accuracy by depth, as figures."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.report.figures.depth import DepthLine, depth_chart
from core.report.figures.gradient_flow import flow_curves, flow_map
from core.report.figures.palette import BLUE, ORANGE, LineStyle
from tests.core.measure.example_flows import flow

PLAIN = LineStyle(BLUE, "circle")


def test_curves_are_drawn_as_told_and_deeper_ones_thicker():
    flows = (flow(0.5, depth=56), flow(0.5, depth=20), flow(0.1, depth=56))
    drawn = flow_curves(flows, "variance", [PLAIN, PLAIN, LineStyle(ORANGE, "x", "dash")]).data
    assert [line.line.color for line in drawn] == [BLUE, BLUE, ORANGE]
    assert drawn[0].line.width == drawn[2].line.width > drawn[1].line.width
    assert (drawn[2].line.dash, drawn[2].marker.symbol) == ("dash", "x")


def test_networks_of_different_depth_share_the_map_s_width():
    flows = (flow(0.5, depth=20), flow(0.1, depth=56))
    heat = flow_map(flows, "variance").data[0]
    assert flow_map(flows, "variance").layout.xaxis.ticktext == ("0 %", "50 %", "100 %")
    assert {len(row) for row in heat.z} == {56}
    assert all(value <= after for value, after in pairwise(heat.z[1][:-1]))


def test_accuracy_by_depth_has_mean_and_whiskers():
    line = DepthLine("no shortcut", LineStyle(ORANGE, "circle"), ((20, (0.5, 0.7)), (56, (0.4,))))
    drawn = depth_chart([line], "accuracy", "title").data[0]
    assert drawn.line.color == ORANGE
    assert list(drawn.y) == pytest.approx([60, 40])
    assert list(drawn.error_y.array) == pytest.approx([10, 0])
