"""Figures of what layers take on a device: memory and measured time. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.analysis.records import KINDS, Analysis, LayerCost, TrainingMemory
from core.report import formats
from core.report.figures.charts import (
    BLUE,
    GRAY,
    GREEN,
    KIND_COLORS,
    ORANGE,
    SKY,
    VERMILLION,
    YELLOW,
    finish_rows,
)
from core.training.records import LayerTimes

# Memory --------------------------------------------------------------------------------------

MEMORY_PARTS = (  # field of TrainingMemory, how it is called, color
    ("parameters", "parameters", BLUE),
    ("optimiser", "momentum of the optimizer", SKY),
    ("gradients", "gradients of the parameters", GREEN),
    ("saved", "saved for the backward pass", VERMILLION),
    ("temporaries", "gradients on the way, and work space", ORANGE),
    ("images", "the images", YELLOW),
    ("buffers", "running statistics", GRAY),
)


def memory_bars(memory: TrainingMemory, inference_bytes: int) -> go.Figure:
    """The parts of a training step at its worst moment, stacked; inference under it."""
    figure = go.Figure()
    for field, name, color in MEMORY_PARTS:
        size = getattr(memory, field)
        figure.add_bar(
            y=["training"],
            x=[size / 2**20],
            orientation="h",
            name=name,
            marker_color=color,
            customdata=[(formats.mebibytes(size), 100 * size / max(1, memory.total))],
            hovertemplate=f"<b>{name}</b><br>%{{customdata[0]}} (%{{customdata[1]:.1f}} %)"
            "<extra></extra>",
        )
    figure.add_bar(
        y=["inference"],
        x=[inference_bytes / 2**20],
        orientation="h",
        name="inference, all",
        marker=dict(color=GRAY, pattern=dict(shape="/")),
        hovertemplate=f"<b>inference</b><br>{formats.mebibytes(inference_bytes)}<extra></extra>",
    )
    largest = max(MEMORY_PARTS, key=lambda part: getattr(memory, part[0]))
    share = 100 * getattr(memory, largest[0]) / max(1, memory.total)
    figure.update_layout(
        title=f"{formats.mebibytes(memory.total)} at the worst moment:<br>"
        f"{share:.0f} % are {largest[1]}",
        barmode="stack",
        height=330,
        margin=dict(t=64, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.32, traceorder="normal"),
        xaxis=dict(ticksuffix=" MiB", nticks=5),  # a title would lie under the legend when narrow
        yaxis=dict(autorange="reversed"),
    )
    return figure


def saved_bars(rows: Sequence[LayerCost], batch_size: int) -> go.Figure:
    """What autograd keeps of each row for the backward pass, at this batch, by kind of layer."""
    figure = go.Figure()
    for kind in KINDS:
        chosen = [row for row in rows if row.kind == kind]
        if not chosen:
            continue
        sizes = [batch_size * row.saved_bytes + row.fixed_saved_bytes for row in chosen]
        figure.add_bar(
            y=[row.path for row in chosen],
            x=[size / 2**20 for size in sizes],
            orientation="h",
            name=kind,
            marker_color=KIND_COLORS[kind],
            customdata=[
                (formats.shape(row.output_shape, batch_size=batch_size), formats.mebibytes(size))
                for row, size in zip(chosen, sizes, strict=True)
            ],
            hovertemplate="<b>%{y}</b><br>output %{customdata[0]}<br>%{customdata[1]} kept"
            "<extra></extra>",
        )
    finish_rows(figure, rows, "Kept for the backward pass, layer by layer", "memory (MiB)")
    return figure


# Time ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimedRow:
    """One bar of the times: seconds a batch, shares of the whole, operations a second forward."""

    path: str
    kind: str
    forward_seconds: float
    backward_seconds: float
    time_share: float
    macs_share: float
    flops_per_second: float | None


def timed_rows(analysis: Analysis, times: LayerTimes, level: str) -> list[TimedRow]:
    """The measured layers as rows by block, weight layer or module; what has no time is left out.

    A row's time is the sum over its layers, which follow one another.
    """
    measured = {layer.path: layer for layer in times.layers}
    total = sum(layer.seconds for layer in times.layers) or 1.0
    work = analysis.totals.macs + analysis.totals.backward_macs or 1
    rows = []
    for row, members in zip(analysis.rows(level), analysis.members(level), strict=True):
        timed = [measured[path] for path in members if path in measured]
        forward = sum(one.forward_seconds for one in timed)
        backward = sum(one.backward_seconds for one in timed)
        flops = times.batch_size * row.flops / forward if row.macs and forward else None
        share = (forward + backward) / total
        macs_share = (row.macs + row.backward_macs) / work
        if timed:
            rows.append(TimedRow(row.path, row.kind, forward, backward, share, macs_share, flops))
    return rows


def layer_time_bars(rows: Sequence[TimedRow]) -> go.Figure:
    """Share of each row in the time (bars: forward and backward) and in the MACs (diamonds)."""
    figure = go.Figure()
    total = sum(row.forward_seconds + row.backward_seconds for row in rows) or 1.0
    paths = [row.path for row in rows]
    for name, field, color in (
        ("forward", "forward_seconds", BLUE),
        ("backward", "backward_seconds", SKY),
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
        marker=dict(symbol="diamond", size=10, color=VERMILLION),
        hovertemplate="<b>%{y}</b><br>%{x:.1f} % of the multiply-adds<extra></extra>",
    )
    title = "share of the step's time and multiply-adds (%)"
    finish_rows(figure, rows, time_finding(rows), title)
    return figure


def time_finding(rows: Sequence[TimedRow]) -> str:
    """The title: where time and work disagree most."""
    if not rows:
        return "Time and multiply-adds by layer"
    odd = max(rows, key=lambda row: abs(row.time_share - row.macs_share))
    return (
        f"{odd.path} takes {100 * odd.time_share:.1f} % of the time<br>"
        f"and does {100 * odd.macs_share:.1f} % of the multiply-adds"
    )
