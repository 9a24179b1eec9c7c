"""A quantity over a slider's whole range, a line a network. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import plotly.graph_objects as go

from core.report.figures.axes import log_axis


@dataclass(frozen=True)
class SweepLine:
    """One network over a slider's range: what it is called, where, how much."""

    label: str
    color: str
    marker: str
    x: Sequence[float]
    y: Sequence[float]


def _slope(line: SweepLine) -> float | None:
    """The exponent of y ∝ x^slope, by least squares on logarithms; None of fewer than 2 points."""
    pairs = [(log10(x), log10(y)) for x, y in zip(line.x, line.y, strict=True) if x > 0 and y > 0]
    if len(pairs) < 2:
        return None
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread


def sweep_chart(lines: Sequence[SweepLine], x_title: str, y_title: str) -> go.Figure:
    """A quantity over a slider's whole range on log axes, the slope written at each line's end."""
    figure = go.Figure()
    for line in lines:
        exponent = _slope(line)
        written = "" if exponent is None else f" ∝ x^{exponent:.2f}"
        figure.add_scatter(
            x=list(line.x),
            y=list(line.y),
            name=line.label + written.replace("x^", "x<sup>") + ("</sup>" if written else ""),
            mode="lines+markers",
            line=dict(color=line.color),
            marker=dict(symbol=line.marker, size=7),
            hovertemplate=f"<b>{line.label}</b><br>{x_title} %{{x}}: %{{y:,.0f}}<extra></extra>",
        )
    ticks: list[float] = []
    for value in sorted({x for line in lines for x in line.x}):
        if not ticks or value >= 1.25 * ticks[-1]:  # room for its label on a narrow screen
            ticks.append(value)
    figure.update_layout(
        title=f"{y_title} over {x_title}<br>with the slope of each line",
        xaxis=dict(title=f"{x_title} (log)", type="log", tickvals=ticks, ticktext=ticks),
        yaxis=dict(title=f"{y_title} (log)", **log_axis(y for line in lines for y in line.y)),
        height=440,
        margin=dict(t=72, b=48, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.18),
    )
    return figure
