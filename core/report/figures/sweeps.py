"""A quantity over a slider's or an option's whole range, a line a network. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any, TypeGuard

import plotly.graph_objects as go

from core.report.figures.axes import log_axis
from core.specs import OptionValue


@dataclass(frozen=True)
class SweepLine:
    """One network over a slider's range: what it is called, where, how much."""

    label: str
    color: str
    marker: str
    x: Sequence[OptionValue]
    y: Sequence[float]


def _slope(line: SweepLine) -> float | None:
    """The exponent of y ∝ x^slope, by least squares on logarithms; None of fewer than 2 points."""
    pairs = [
        (log10(x), log10(y))
        for x, y in zip(line.x, line.y, strict=True)
        if is_number(x) and x > 0 and y > 0
    ]
    if len(pairs) < 2:
        return None
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread


def is_number(value: OptionValue) -> TypeGuard[float]:
    """Whether it has a place on an axis of numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def word(value: OptionValue) -> str:
    """`on`, `off`, a number, a word."""
    return str(value) if not isinstance(value, bool) else "on" if value else "off"


def sweep_chart(lines: Sequence[SweepLine], x_title: str, y_title: str) -> go.Figure:
    """A quantity over a whole range on log axes, the slope written at each line's end.

    Values that are no numbers stand side by side.
    """
    figure = go.Figure()
    slopes = [_slope(line) for line in lines]
    note = "<br>with the slope of each line" if any(slopes) else ""
    for line, exponent in zip(lines, slopes, strict=True):
        written = "" if exponent is None else f" ∝ x^{exponent:.2f}"
        figure.add_scatter(
            x=[x if is_number(x) else word(x) for x in line.x],
            y=list(line.y),
            name=line.label + written.replace("x^", "x<sup>") + ("</sup>" if written else ""),
            mode="lines+markers",
            line=dict(color=line.color),
            marker=dict(symbol=line.marker, size=7),
            hovertemplate=f"<b>{line.label}</b><br>{x_title} %{{x}}: %{{y:,.0f}}<extra></extra>",
        )
    figure.update_layout(
        title=f"{y_title} over {x_title}" + note,
        xaxis=_x_axis([x for line in lines for x in line.x], x_title),
        yaxis=dict(title=f"{y_title} (log)", **log_axis(y for line in lines for y in line.y)),
        height=440,
        margin=dict(t=72, b=48, l=8, r=8),
        showlegend=True,  # also of one line: it has the slope
        legend=dict(orientation="h", yanchor="top", y=-0.18),
    )
    return figure


def _x_axis(values: Sequence[OptionValue], title: str) -> dict[str, Any]:
    """Logarithmic where that can be; its ticks have room for their labels on a narrow screen."""
    if not all(is_number(x) for x in values):
        return dict(title=title, type="category")
    if min(values, default=1) <= 0:  # type: ignore[operator]
        return dict(title=title)
    ticks: list[float] = []
    for value in sorted(set(filter(is_number, values))):
        if not ticks or value >= 1.25 * ticks[-1]:
            ticks.append(value)
    return dict(title=f"{title} (log)", type="log", tickvals=ticks, ticktext=ticks)
