"""What each layer achieves beside what its device lets it: the roofline. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import plotly.graph_objects as go

from core.language import _
from core.measure.roofline import RooflinePoint, attainable
from core.report.figures.axes import finish
from core.report.figures.palette import INK, ORANGE, TINTS
from core.report.sentences.findings import roofline_finding
from core.training.records import LayerTimes

_SMALLEST, _LARGEST = 7, 22  # pixels across: the area is the layer's time
_BEYOND = 1.6  # as a factor, how far the roof reaches beyond the first and the last layer


def roofline_chart(points: Sequence[RooflinePoint], times: LayerTimes) -> go.Figure:
    """GFLOP/s over FLOPs a byte, both log: the roof, and each layer forward and backward."""
    figure = go.Figure()
    _add_roof(figure, points, times)
    longest = max(point.seconds for point in points)
    for name, is_backward, color, symbol in (
        (_("forward"), False, TINTS[1], "circle"),
        (_("backward"), True, ORANGE, "diamond"),
    ):
        drawn = [point for point in points if point.is_backward == is_backward]
        figure.add_scatter(
            x=[point.intensity for point in drawn],
            y=[point.flops_per_second / 1e9 for point in drawn],
            mode="markers",
            name=name,
            marker=dict(
                color=color,
                symbol=symbol,
                opacity=0.75,
                size=[max(_SMALLEST, _LARGEST * sqrt(p.seconds / longest)) for p in drawn],
                line=dict(width=1, color=INK),
            ),
            customdata=[
                (point.path, 1000 * point.seconds, point.attainable / 1e9, 100 * point.share)
                for point in drawn
            ],
            hovertemplate=_(
                "<b>%{{customdata[0]}}</b>, {direction}<br>%{{y:.3~g}} of %{{customdata[2]:.3~g}}"
                " attainable GFLOP/s (%{{customdata[3]:.3~g}} %)<br>%{{x:.3~g}} FLOPs a byte,"
                " %{{customdata[1]:.3~g}} ms",
                direction=name,
            )
            + "<extra></extra>",
        )
    finish(figure, roofline_finding(points), 420)
    figure.update_layout(
        xaxis=dict(type="log", title=_("FLOPs for each byte that has to move"), dtick=1),
        yaxis=dict(type="log", title=_("GFLOP/s"), dtick=1),
    )
    return figure


def _add_roof(figure: go.Figure, points: Sequence[RooflinePoint], times: LayerTimes) -> None:
    ridge = times.peak_flops_per_second / times.bytes_per_second
    ends = [point.intensity for point in points] + [ridge]
    corners = [min(ends) / _BEYOND, ridge, max(ends) * _BEYOND]
    figure.add_scatter(
        x=corners,
        y=[attainable(times, x) / 1e9 for x in corners],
        mode="lines",
        name=_("attainable: memory, then arithmetic"),
        line=dict(color=INK, width=2),
        hoverinfo="skip",
    )
