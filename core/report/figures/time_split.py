"""Where the seconds of a run went, as one bar. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.report import formats
from core.report.figures.palette import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    YELLOW,
)
from core.training.time_split import TimeSplit

_TIME_PARTS = (  # field of TimeSplit, how it is called, color, pattern that repeats the color
    ("data", "data: cut, resize, scale", ORANGE, ""),
    ("transfer", "transfer to the device", YELLOW, "x"),
    ("forward", "forward", BLUE, ""),
    ("backward", "backward", VERMILLION, ""),
    ("optimiser", "optimizer", GREEN, ""),
    ("captured", "captured steps", BLUE, "x"),
    ("overhead", "Python in between", GRAY, "."),
    ("evaluation", "evaluation", PURPLE, "/"),
)


def time_bar(split: TimeSplit) -> go.Figure:
    """One stacked bar: the seconds of a run by what they were spent on."""
    figure = go.Figure()
    total = split.training + split.evaluation
    for field, name, color, pattern in _TIME_PARTS:
        seconds = getattr(split, field)
        if field == "captured" and not seconds:  # no device but CUDA has such steps
            continue
        share = seconds / total if total else 0.0
        figure.add_bar(
            y=[""],
            x=[seconds],
            orientation="h",
            name=name,
            marker=dict(color=color, pattern=dict(shape=pattern, fillmode="overlay", size=6)),
            text=[f"{100 * share:.0f} %" if share >= 0.05 else ""],
            textposition="inside",
            insidetextanchor="middle",
            hovertemplate=f"<b>{name}</b><br>{formats.duration(seconds)} ({100 * share:.1f} %)"
            "<extra></extra>",
        )
    figure.update_layout(
        title=f"Where {formats.duration(total)} went",
        barmode="stack",
        height=230,
        margin=dict(t=48, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.35, traceorder="normal"),
        xaxis=dict(ticksuffix=" s", nticks=6),
        yaxis=dict(visible=False),
    )
    return figure
