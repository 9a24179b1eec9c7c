"""Training images a second over the batch size, a line a loop and device. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.language import N_, _
from core.report.figures.palette import BLUE, DASHES, GREEN, MARKERS, ORANGE, PURPLE
from core.training.records import Throughput, ThroughputPoint

LOOP_NAMES = {
    "lab": N_("the lab's loop"),
    "conventional": N_("published loop (DataLoader, PIL)"),
}
_DEVICE_COLORS = (BLUE, ORANGE, GREEN, PURPLE)


def throughput_chart(result: Throughput) -> go.Figure:
    """Training images a second over the batch size, a line for each loop on each device."""
    figure = go.Figure()
    devices = list(result.peaks)
    sizes = sorted({point.batch_size for point in result.points})
    for device, color in zip(devices, _DEVICE_COLORS * len(devices), strict=False):
        for index, loop in enumerate(LOOP_NAMES):
            points = sorted(
                (p for p in result.points if (p.device, p.loop) == (device, loop)),
                key=lambda point: point.batch_size,
            )
            if points:
                _add_loop(figure, points, color, index, _name_line(loop, device, len(devices)))
    figure.update_layout(
        title=_("Training images a second by batch size"),
        xaxis=dict(title=_("batch size (log)"), type="log", tickvals=sizes, ticktext=sizes),
        yaxis=dict(title=_("images/s"), rangemode="tozero"),
        height=380,
        margin=dict(t=56, b=48, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.2),
    )
    return figure


def _name_line(loop: str, device: str, devices: int) -> str:
    """`the lab's loop on cuda`; the device only where there are several."""
    name = _(LOOP_NAMES[loop])
    return _("{loop} on {device}", loop=name, device=device) if devices > 1 else name


def _add_loop(
    figure: go.Figure, points: Sequence[ThroughputPoint], color: str, index: int, name: str
) -> None:
    """One loop on one device, with whiskers from the slowest to the fastest round."""
    figure.add_scatter(
        x=[point.batch_size for point in points],
        y=[point.images_per_second for point in points],
        error_y=dict(
            type="data",
            symmetric=False,
            array=[point.fastest - point.images_per_second for point in points],
            arrayminus=[point.images_per_second - point.slowest for point in points],
            thickness=1,
        ),
        name=name,
        mode="lines+markers",
        line=dict(color=color, dash=DASHES[index]),
        marker=dict(symbol=MARKERS[index], size=9),
        customdata=[(point.slowest, point.fastest, point.threads) for point in points],
        hovertemplate=_(
            "<b>{name}</b>, batch %{{x}}<br>%{{y:,.0f}} images/s (%{{customdata[0]:,.0f}} to"
            " %{{customdata[1]:,.0f}})<br>%{{customdata[2]}} threads",
            name=name,
        )
        + "<extra></extra>",
    )
