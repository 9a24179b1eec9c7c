"""Final accuracy by depth, networks of one kind a line. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import plotly.graph_objects as go

from core.report import formats
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.palette import LineStyle


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
        means = [fmean(values) for _, values in line.points]
        figure.add_scatter(
            x=[depth for depth, _ in line.points],
            y=[100 * mean for mean in means],
            error_y=dict(
                type="data",
                symmetric=False,
                array=[
                    100 * (max(values) - mean)
                    for (_, values), mean in zip(line.points, means, strict=True)
                ],
                arrayminus=[
                    100 * (mean - min(values))
                    for (_, values), mean in zip(line.points, means, strict=True)
                ],
                thickness=1,
            ),
            name=line.name,
            mode="lines+markers",
            line=dict(color=line.style.color, dash=line.style.dash),
            marker=dict(symbol=line.style.marker, size=9),
            customdata=[
                (formats.percent(mean), len(values))
                for (_, values), mean in zip(line.points, means, strict=True)
            ],
            hovertemplate=f"<b>{line.name}</b>, %{{x}} layers<br>{measure} %{{customdata[0]}}"
            " (seeds: %{customdata[1]})<extra></extra>",
        )
    depths = sorted({depth for line in lines for depth, _ in line.points})
    figure.update_layout(
        title=title,
        xaxis=dict(title="weight layers", tickvals=depths, automargin=True),
        yaxis=dict(title=measure, ticksuffix=" %"),
        height=340 + 28 * len(lines),
        margin=dict(t=72, b=48, l=8, r=8),
        legend=FOOT_LEGEND,
    )
    return figure
