"""What equal accuracy costs: DenseNets beside residual nets. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.language import _
from core.report import formats
from core.report.figures.palette import BLUE, ORANGE

if TYPE_CHECKING:
    from core.studies.statistics import Mean


@dataclass(frozen=True)
class CostPoint:
    """What one trained network costs and reaches."""

    title: str
    is_dense: bool
    params: int
    saved_bytes: int  # for the backward pass of one image
    final: Mean  # test accuracy


def equal_accuracy_chart(points: Sequence[CostPoint]) -> go.Figure:
    """Final accuracy over parameters and over saved activations: equal height is equally good."""
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04)
    for is_dense, name, color, symbol in (
        (True, _("DenseNet: concatenates"), ORANGE, "square"),
        (False, _("ResNet: adds"), BLUE, "circle"),
    ):
        series = sorted(
            (point for point in points if point.is_dense == is_dense),
            key=lambda point: point.params,
        )
        for column, costs in (
            (1, [point.params for point in series]),
            (2, [point.saved_bytes / 2**20 for point in series]),
        ):
            figure.add_scatter(
                x=costs,
                y=[100 * point.final.mean for point in series],
                error_y=dict(
                    array=[100 * ((point.final.high or 0) - point.final.mean) for point in series],
                    visible=all(point.final.high is not None for point in series),
                    thickness=1,
                ),
                mode="markers",
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                marker=dict(color=color, symbol=symbol, size=9),
                customdata=[
                    (
                        point.title,
                        point.final.count,
                        formats.short(point.params),
                        formats.mebibytes(point.saved_bytes),
                    )
                    for point in series
                ],
                hovertemplate=_(
                    "<b>%{customdata[0]}</b><br>%{y:.2f} % after the last epoch, mean of"
                    " %{customdata[1]} seeds<br>%{customdata[2]} parameters, keeps %{customdata[3]}"
                    " an image"
                )
                + "<extra></extra>",
                row=1,
                col=column,
            )
    figure.update_xaxes(type="log", title=_("parameters"), dtick=1, col=1)
    figure.update_xaxes(type="log", title=_("MiB kept for backward"), dtick=1, col=2)
    figure.update_yaxes(title=_("test accuracy (%)"), col=1)
    figure.update_layout(
        title=_("What equal accuracy costs"),
        height=400,
        margin=dict(t=72, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="bottom", y=1.0, x=0),
    )
    return figure
