"""Where a step's measured time goes, layer by layer, beside the work. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.measure.layer_shares import TimedRow
from core.report.figures.axes import finish_layer_rows
from core.report.figures.palette import ORANGE, TINTS
from core.report.sentences.findings import layer_time_finding


def layer_time_bars(rows: Sequence[TimedRow]) -> go.Figure:
    """Share of each row in the time (bars: forward and backward) and in the MACs (diamonds)."""
    figure = go.Figure()
    total = sum(row.forward_seconds + row.backward_seconds for row in rows) or 1.0
    paths = [row.path for row in rows]
    for name, field, color in (
        ("forward", "forward_seconds", TINTS[0]),
        ("backward", "backward_seconds", TINTS[2]),
    ):
        seconds = [getattr(row, field) for row in rows]
        figure.add_bar(
            y=paths,
            x=[100 * value / total for value in seconds],
            orientation="h",
            name=f"time, {name}",
            marker_color=color,
            customdata=[1000 * value for value in seconds],
            hovertemplate=f"<b>%{{y}}</b><br>{name} %{{customdata:.3~g}} ms (%{{x:.1f}} %)"
            "<extra></extra>",
        )
    figure.add_scatter(
        y=paths,
        x=[100 * row.macs_share for row in rows],
        mode="markers",
        name="multiply-adds",
        marker=dict(symbol="diamond", size=10, color=ORANGE),
        hovertemplate="<b>%{y}</b><br>%{x:.1f} % of the multiply-adds<extra></extra>",
    )
    title = "share of the step's time and multiply-adds (%)"
    finish_layer_rows(figure, paths, layer_time_finding(rows), title)
    return figure
