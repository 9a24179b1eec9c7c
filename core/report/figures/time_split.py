"""Where the seconds of a run went, as one bar. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.report import formats
from core.report.figures.palette import part_marker, tints_and_patterns
from core.training.time_split import TimeSplit

_TIME_PARTS = (  # field of TimeSplit, how it is called
    ("data", "data: cut, resize, scale"),
    ("transfer", "transfer to the device"),
    ("forward", "forward"),
    ("backward", "backward"),
    ("optimiser", "optimizer"),
    ("captured", "captured steps"),
    ("overhead", "Python in between"),
    ("evaluation", "evaluation"),
)


def time_bar(split: TimeSplit) -> go.Figure:
    """One stacked bar: the seconds of a run by what they were spent on."""
    figure = go.Figure()
    total = split.training + split.evaluation
    for (field, name), (color, pattern) in zip(_TIME_PARTS, tints_and_patterns(), strict=False):
        seconds = getattr(split, field)
        if field == "captured" and not seconds:  # no device but CUDA has such steps
            continue
        share = seconds / total if total else 0.0
        figure.add_bar(
            y=[""],
            x=[seconds],
            orientation="h",
            name=name,
            marker=part_marker(color, pattern),
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
