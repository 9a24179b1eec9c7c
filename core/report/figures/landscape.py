"""The loss around a trained network as contour lines. Imports no torch."""

from __future__ import annotations

from math import hypot
from typing import Any

import plotly.graph_objects as go

from core.inside.landscape_records import Landscape, NetworkLandscape, PathPoint
from core.language import _
from core.report import formats
from core.report.figures.loss_scale import COLORS, LEVELS, LossScale, number
from core.report.figures.palette import ALWAYS_BLACK, ORANGE
from core.report.sentences.landscape import direction_names, landscape_finding

_APART = 0.2  # between points with a number, of half a side of the plane


def contour(network: NetworkLandscape, landscape: Landscape, scale: LossScale) -> go.Figure:
    """The plane from above, colored by the loss on the scale that all networks share.

    The cross is the trained network; the line, where it is known, the way of its training. In a
    plane along it, a point of the way has the color of its own loss, which lies beside the plane.
    """
    xs, ys = landscape.where(network)
    rows = len(network.loss)
    low, high = scale.ends
    figure = go.Figure(
        go.Contour(
            x=xs,
            y=ys[:rows],
            z=[[None if v is None else scale.place(v) for v in row] for row in network.loss],
            text=_hovers(network),
            hovertemplate=_("%{text}<br>at %{x}, %{y}") + "<extra></extra>",
            colorscale=COLORS,
            zmin=low,
            zmax=high,
            contours=dict(start=low, end=high, size=(high - low) / LEVELS),
            line=dict(width=0.5),
            colorbar=dict(
                title=dict(text=_("loss"), side="top"),
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
    _add_path(figure, network, scale)
    first, second = direction_names(network, landscape)
    figure.update_layout(
        title=landscape_finding(network, landscape),
        xaxis=dict(
            title=first, range=[xs[0], xs[-1]], constrain="domain", showgrid=False,
            hoverformat=".2f",
        ),
        yaxis=dict(
            title=second, range=[ys[0], ys[-1]], scaleanchor="x", constrain="domain",
            showgrid=False, hoverformat=".2f",
        ),
        height=504,
        margin=dict(t=80, b=8, l=8, r=24),
        showlegend=False,
    )  # fmt: skip
    return figure


def _hovers(network: NetworkLandscape) -> list[list[str]]:
    return [
        [
            _("no number in float32")
            if loss is None
            else _(
                "loss {loss}<br>accuracy {accuracy}",
                loss=number(loss),
                accuracy=formats.percent(accuracy),
            )
            for loss, accuracy in zip(*rows, strict=True)
        ]
        for rows in zip(network.loss, network.accuracy, strict=True)
    ]


def _add_path(figure: go.Figure, network: NetworkLandscape, scale: LossScale) -> None:
    style = dict(color="white", width=1.5)
    if len(network.path) > 1:
        figure.add_scatter(
            x=[point.x for point in network.path],
            y=[point.y for point in network.path],
            text=[_hover(point) for point in network.path],
            mode="lines+markers",
            line=dict(color=ORANGE, width=2),
            marker=_own_losses(network, scale) or dict(color=ORANGE, size=8, line=style),
            hovertemplate="%{text}<extra></extra>",
        )
        for point in marked(network):
            figure.add_annotation(
                x=point.x, y=point.y, text=str(point.epoch), showarrow=False, yshift=16,
                bgcolor="#FFFFFFD8", font=dict(color=ALWAYS_BLACK, size=12), borderpad=1,
            )  # fmt: skip
    figure.add_scatter(
        x=[0],
        y=[0],
        mode="markers",
        marker=dict(symbol="x", size=10, color=ORANGE, line=style),
        hovertemplate=_("the trained network") + "<extra></extra>",
    )


def _hover(point: PathPoint) -> str:
    when = _("after epoch {epoch}", epoch=point.epoch) if point.epoch else _("before training")
    if point.loss is None or point.plane_loss is None:
        return when
    return _(
        "{when}: loss {loss}<br>in the plane {plane_loss}",
        when=when,
        loss=number(point.loss),
        plane_loss=number(point.plane_loss),
    )


def _own_losses(network: NetworkLandscape, scale: LossScale) -> dict[str, Any] | None:
    """Markers in the colors of the plane; None where the path's own losses are not known."""
    losses = [point.loss for point in network.path if point.loss is not None]
    if len(losses) < len(network.path):
        return None
    low, high = scale.ends
    return dict(
        color=[scale.place(loss) for loss in losses],
        colorscale=COLORS,
        cmin=low,
        cmax=high,
        size=11,
        line=dict(color=ORANGE, width=2),
    )


def marked(network: NetworkLandscape) -> list[PathPoint]:
    """The points whose epoch is written: first and last, and others that are far enough away.

    None in a plane where the path is a dot.
    """
    if network.span is None:
        return []
    begin, *others, end = network.path
    found = [end, begin]
    for point in others:
        if all(hypot(point.x - p.x, point.y - p.y) > _APART * network.span for p in found):
            found.append(point)
    return found
