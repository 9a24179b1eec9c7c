"""Final accuracy by depth, networks of one kind a line. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import plotly.graph_objects as go

from core.language import _
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.line_ends import LineEnd, name_line_ends
from core.report.figures.palette import LineStyle

_TOP, _FOOT, _PLOT = 72, 64, 250  # pixels above the axes, below them and between
_LEGEND_LINE = 20  # pixels


@dataclass(frozen=True)
class DepthLine:
    """Networks of one kind, the number of layers growing."""

    name: str
    style: LineStyle
    points: tuple[tuple[int, tuple[float, ...]], ...]  # depth, final accuracies of its seeds


def depth_chart(lines: Sequence[DepthLine], measure: str, title: str) -> go.Figure:
    """Final accuracy by depth: the mean of the seeds, whiskers from the lowest to the highest."""
    figure = go.Figure()
    for line in lines:
        means = [fmean(values) for __, values in line.points]
        figure.add_scatter(
            x=[depth for depth, __ in line.points],
            y=[100 * mean for mean in means],
            error_y=dict(
                type="data",
                symmetric=False,
                array=[
                    100 * (max(values) - mean)
                    for (__, values), mean in zip(line.points, means, strict=True)
                ],
                arrayminus=[
                    100 * (mean - min(values))
                    for (__, values), mean in zip(line.points, means, strict=True)
                ],
                thickness=1,
            ),
            name=line.name,
            mode="lines+markers",
            line=dict(color=line.style.color, dash=line.style.dash),
            marker=dict(symbol=line.style.marker, size=9),
            customdata=[
                (formats.percent(mean), len(values))
                for (__, values), mean in zip(line.points, means, strict=True)
            ],
            hovertemplate=_(
                "<b>{name}</b>, %{{x}} layers<br>{measure} %{{customdata[0]}}"
                " (seeds: %{{customdata[1]}})",
                name=line.name,
                measure=measure,
            )
            + "<extra></extra>",
        )
    depths = sorted({depth for line in lines for depth, __ in line.points})
    span = _range([value for line in lines for __, values in line.points for value in values])
    height = _TOP + _PLOT + _FOOT + _LEGEND_LINE * len(lines)  # of a phone's legend
    figure.update_layout(
        title=title,
        xaxis=dict(title=_("weight layers"), tickvals=depths, automargin=True),
        yaxis=dict(title=_("{measure} (%)", measure=measure), range=span),
        height=height,
        margin=dict(t=_TOP, b=48, l=8, r=8),
        legend=FOOT_LEGEND,
    )
    ends = [
        LineEnd(line.name, line.points[-1][0], 100 * fmean(line.points[-1][1]), line.style.color,
                line.style.marker)
        for line in lines
    ]  # fmt: skip
    name_line_ends(figure, ends, (span[0], span[1]), height - _TOP - _FOOT)
    return figure


def _range(fractions: Sequence[float]) -> list[float]:
    """Room around every accuracy, in %."""
    values = [100 * value for value in fractions] or [0.0, 100.0]
    room = max(0.5, 0.08 * (max(values) - min(values)))
    return [max(0.0, min(values) - room), min(100.5, max(values) + room)]
