"""A picture of the pixels that a unit listens to, with its window. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.analysis.records import LayerCost
from core.inside.effective_field_records import EffectiveField
from core.inside.windows import Box
from core.language import _
from core.report.figures.palette import ORANGE
from core.report.maps import scale_colors
from core.report.sentences.effective_field import window_finding
from core.report.text_width import wrapped

_HEIGHT = 460  # pixels
_TITLE_WIDTH = 40  # letters


def field_map(field: EffectiveField, layer: LayerCost, window: Box | None, state: str) -> go.Figure:
    """Each pixel's gradient as a share of the largest; the theoretical window outlined.

    A window that goes on beyond the border is drawn up to it, where its line is dotted.
    """
    height, width = field.values.shape
    largest = float(field.values.max(initial=0.0)) or 1.0
    colors = scale_colors(0.0)
    figure = go.Figure(
        go.Heatmap(
            z=100 * field.values / largest,
            zmin=0,
            zmax=100,
            colorscale=[[place / (len(colors) - 1), color] for place, color in enumerate(colors)],
            hovertemplate=_("row %{y}, column %{x}<br>%{z:.1f} % of the largest")
            + "<extra></extra>",
            colorbar=dict(
                title=dict(text=_("gradient, % of the largest"), side="top"),
                orientation="h",
                y=-0.24,  # below the title of the axis
                yanchor="top",
                thickness=12,
            ),
        )
    )
    if window is not None:
        _add_outline(figure, window, height, width)
    title = _(
        "{state}: {finding}",
        state=f"{state[0].upper()}{state[1:]}",
        finding=window_finding(field, layer),
    )
    figure.update_layout(
        title="<br>".join(wrapped(title, _TITLE_WIDTH)),
        xaxis=dict(title=_("column, pixels"), constrain="domain", showgrid=False, zeroline=False),
        yaxis=dict(
            title=_("row, pixels"),
            autorange="reversed",
            scaleanchor="x",
            constrain="domain",
            showgrid=False,
            zeroline=False,
        ),
        height=_HEIGHT,
        margin=dict(t=72, b=8, l=8, r=8),
        showlegend=False,
    )
    return figure


def _add_outline(figure: go.Figure, window: Box, height: int, width: int) -> None:
    """The window's four sides, as far as the image goes."""
    top, left = max(window.top, 0) - 0.5, max(window.left, 0) - 0.5
    bottom, right = min(window.bottom, height) - 0.5, min(window.right, width) - 0.5
    sides = (
        ((left, right), (top, top), window.top < 0),
        ((left, right), (bottom, bottom), window.bottom > height),
        ((left, left), (top, bottom), window.left < 0),
        ((right, right), (top, bottom), window.right > width),
    )
    for x, y, goes_on in sides:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line=dict(color=ORANGE, width=3, dash="dot" if goes_on else "solid"),
            hoverinfo="skip",
        )
