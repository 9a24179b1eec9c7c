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


def test_the_map_has_a_column_for_each_whole_layer():
    flows = (flow(0.5, depth=20), flow(0.1, depth=56))
    figure = flow_map(flows, "variance")
    heat = figure.data[0]
    assert list(heat.x) == list(range(1, 57)) and {len(row) for row in heat.z} == {56}
    ticks = figure.layout.xaxis.tickvals
    assert (ticks[0], ticks[-1]) == (1, 56) and all(tick == int(tick) for tick in ticks)
    assert all(value is None for value in heat.z[0][20:])  # it has no more layers
    assert all(value <= after for value, after in pairwise(heat.z[1][:-1]))


def test_the_map_s_colors_part_at_1_and_its_ends_say_that_they_are_cut():
    kept = flow_map((flow(0.01, depth=20), flow(100.0, depth=20)), "weight_gradient").data[0]
    assert (kept.zmin, kept.zmax) == (-2, 2)
    assert kept.colorscale[2][0] == 0.5 and kept.colorscale[2][1].upper() == "#FFFFFF"
    assert kept.z[0][0] == pytest.approx(-2) and kept.z[1][0] == pytest.approx(2)
    assert "1" in kept.colorbar.ticktext and "≤" not in kept.colorbar.ticktext[0]
    cut = flow_map((flow(1e-43, depth=110), flow(1e6, depth=110)), "weight_gradient").data[0]
    assert (cut.zmin, cut.zmax) == (-10, 10) and cut.z[0][0] == -10
    assert cut.colorbar.ticktext[0].startswith("≤ 10")


def test_each_line_has_its_name_at_its_start_without_what_all_share():
    flows = (
        flow(0.5, depth=20, shortcut="none", batch_norm=False),
        flow(1e-9, depth=20, shortcut="identity", batch_norm=False),
    )
    figure = flow_curves(flows, "weight_gradient", [PLAIN, PLAIN])
    names = [one.text.partition("</span> ")[2] for one in figure.layout.annotations]
    assert names == ["no shortcut", "plain residual"]
    assert [one.x for one in figure.layout.annotations] == [1, 1]
    low, high = figure.layout.xaxis.range
    assert low < 0 and figure.layout.meta["narrow"]["xaxis"]["range"] == [0, high]
    assert all(tick == int(tick) >= 1 for tick in figure.layout.xaxis.tickvals)
    powers = figure.layout.yaxis
    assert "1" in powers.ticktext and len(powers.tickvals) == len(powers.ticktext) <= 7


def test_accuracy_by_depth_has_mean_and_whiskers():
    line = DepthLine("no shortcut", LineStyle(ORANGE, "circle"), ((20, (0.5, 0.7)), (56, (0.4,))))
    drawn = depth_chart([line], "accuracy", "title").data[0]
    assert drawn.line.color == ORANGE
    assert list(drawn.y) == pytest.approx([60, 40])
    assert list(drawn.error_y.array) == pytest.approx([10, 0])
    [name] = depth_chart([line], "accuracy", "title").layout.annotations
    assert (name.x, name.y) == (56, pytest.approx(40)) and "no shortcut" in name.text
