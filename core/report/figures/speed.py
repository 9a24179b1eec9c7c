"""Figures of how fast runs train and where their time goes. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.report import formats
from core.report.figures.charts import (
    BLUE,
    DASHES,
    GRAY,
    GREEN,
    MARKERS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
)
from core.training.records import Throughput, ThroughputPoint
from core.training.time_split import TimeSplit, rate

TIME_PARTS = (  # field of TimeSplit, how it is called, color, pattern that repeats the color
    ("data", "data: cut, resize, scale", ORANGE, ""),
    ("transfer", "transfer to the device", YELLOW, "x"),
    ("forward", "forward", BLUE, ""),
    ("backward", "backward", VERMILLION, ""),
    ("optimiser", "optimiser", GREEN, ""),
    ("overhead", "Python in between", GRAY, "."),
    ("evaluation", "evaluation", PURPLE, "/"),
)


def time_bar(split: TimeSplit) -> go.Figure:
    """One stacked bar: the seconds of a run by what they were spent on."""
    figure = go.Figure()
    total = split.training + split.evaluation
    for field, name, color, pattern in TIME_PARTS:
        seconds = getattr(split, field)
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


LOOP_NAMES = {"lab": "the lab's loop", "conventional": "published loop (DataLoader, PIL)"}
DEVICE_COLORS = (BLUE, VERMILLION, GREEN, SKY)


def throughput_chart(found: Throughput) -> go.Figure:
    """Training images a second over the batch size, a line for each loop on each device."""
    figure = go.Figure()
    devices = list(found.peaks)
    sizes = sorted({point.batch_size for point in found.points})
    for device, color in zip(devices, DEVICE_COLORS * len(devices), strict=False):
        for index, loop in enumerate(LOOP_NAMES):
            points = sorted(
                (p for p in found.points if (p.device, p.loop) == (device, loop)),
                key=lambda point: point.batch_size,
            )
            if points:
                add_line(figure, points, color, index, name_line(loop, device, len(devices)))
    figure.update_layout(
        title="Training images a second by batch size",
        xaxis=dict(title="batch size (log)", type="log", tickvals=sizes, ticktext=sizes),
        yaxis=dict(title="images/s", rangemode="tozero"),
        height=380,
        margin=dict(t=56, b=48, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.2),
    )
    return figure


def name_line(loop: str, device: str, devices: int) -> str:
    """`the lab's loop on cuda`; the device only where there are several."""
    return f"{LOOP_NAMES[loop]} on {device}" if devices > 1 else LOOP_NAMES[loop]


def add_line(
    figure: go.Figure, points: list[ThroughputPoint], color: str, index: int, name: str
) -> None:
    """One loop on one device, with whiskers from the slowest to the fastest round."""
    figure.add_scatter(
        x=[point.batch_size for point in points],
        y=[rate(point) for point in points],
        error_y=dict(
            type="data",
            symmetric=False,
            array=[point.fastest - rate(point) for point in points],
            arrayminus=[rate(point) - point.slowest for point in points],
            thickness=1,
        ),
        name=name,
        mode="lines+markers",
        line=dict(color=color, dash=DASHES[index]),
        marker=dict(symbol=MARKERS[index], size=9),
        customdata=[(point.slowest, point.fastest, point.threads) for point in points],
        hovertemplate=f"<b>{name}</b>, batch %{{x}}<br>%{{y:,.0f}} images/s"
        " (%{customdata[0]:,.0f} to %{customdata[1]:,.0f})<br>%{customdata[2]} threads"
        "<extra></extra>",
    )
