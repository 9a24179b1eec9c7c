"""The loss around a trained network as contour lines. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.inside.landscape_records import Landscape, NetworkLandscape
from core.report import formats
from core.report.figures.loss_scale import COLORS, LEVELS, LossScale, number
from core.report.figures.palette import VERMILLION
from core.report.sentences.landscape import landscape_finding


def contour(network: NetworkLandscape, landscape: Landscape, scale: LossScale) -> go.Figure:
    """The plane from above, colored by the loss on the scale that all networks share.

    The cross is the trained network; the line, where it is known, the way of its training.
    """
    where = landscape.steps
    rows = len(network.loss)
    low, high = scale.ends
    figure = go.Figure(
        go.Contour(
            x=where,
            y=where[:rows],
            z=[[None if v is None else scale.place(v) for v in row] for row in network.loss],
            text=_hovers(network),
            hovertemplate="%{text}<br>at %{x:.2f}, %{y:.2f}<extra></extra>",
            colorscale=COLORS,
            zmin=low,
            zmax=high,
            contours=dict(start=low, end=high, size=(high - low) / LEVELS),
            line=dict(width=0.5),
            colorbar=dict(
                title=dict(text="loss", side="top"),
                orientation="h",
                x=0.5,
                y=-0.2,
                yanchor="top",
                thickness=12,
                len=0.9,
                tickvals=[scale.place(tick) for tick in scale.ticks],
                ticktext=scale.texts,
            ),
        )
    )
    _add_path(figure, network)
    edge = [-landscape.span, landscape.span]
    figure.update_layout(
        title=landscape_finding(network, landscape),
        xaxis=dict(title="first direction", range=edge, constrain="domain", showgrid=False),
        yaxis=dict(
            title="second direction", range=edge, scaleanchor="x", constrain="domain",
            showgrid=False,
        ),
        height=504,
        margin=dict(t=80, b=8, l=8, r=24),
        showlegend=False,
    )  # fmt: skip
    return figure


def _hovers(network: NetworkLandscape) -> list[list[str]]:
    return [
        [
            "no number in float32"
            if loss is None
            else f"loss {number(loss)}<br>accuracy {formats.percent(accuracy)}"
            for loss, accuracy in zip(*rows, strict=True)
        ]
        for rows in zip(network.loss, network.accuracy, strict=True)
    ]


def _add_path(figure: go.Figure, network: NetworkLandscape) -> None:
    style = dict(color="white", width=1.5)
    if len(network.path) > 1:
        figure.add_scatter(
            x=[point.x for point in network.path],
            y=[point.y for point in network.path],
            text=[
                f"after epoch {point.epoch}" if point.epoch else "before training"
                for point in network.path
            ],
            mode="lines+markers",
            line=dict(color=VERMILLION, width=2),
            marker=dict(color=VERMILLION, size=8, line=style),
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_scatter(
        x=[0],
        y=[0],
        mode="markers",
        marker=dict(symbol="x", size=10, color=VERMILLION, line=style),
        hovertemplate="the trained network<extra></extra>",
    )
