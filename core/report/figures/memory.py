"""What a training step holds in memory, and what each layer keeps. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.analysis.records import KINDS, LayerCost, TrainingMemory
from core.report import formats
from core.report.figures.axes import finish_layer_rows
from core.report.figures.palette import GRAY, KIND_COLORS, part_marker, tints_and_patterns

_MEMORY_PARTS = (  # field of TrainingMemory, how it is called
    ("parameters", "parameters"),
    ("optimiser", "momentum of the optimizer"),
    ("gradients", "gradients of the parameters"),
    ("saved", "saved for the backward pass"),
    ("temporaries", "gradients on the way, and work space"),
    ("images", "the images"),
    ("buffers", "running statistics"),
)


def memory_bars(memory: TrainingMemory, inference_bytes: int) -> go.Figure:
    """The parts of a training step at its worst moment, stacked; inference under it."""
    figure = go.Figure()
    for (field, name), (color, pattern) in zip(_MEMORY_PARTS, tints_and_patterns(), strict=False):
        size = getattr(memory, field)
        figure.add_bar(
            y=["training"],
            x=[size / 2**20],
            orientation="h",
            name=name,
            marker=part_marker(color, pattern),
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
    largest = max(_MEMORY_PARTS, key=lambda part: getattr(memory, part[0]))
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
        of_kind = [row for row in rows if row.kind == kind]
        if not of_kind:
            continue
        sizes = [batch_size * row.saved_bytes + row.fixed_saved_bytes for row in of_kind]
        figure.add_bar(
            y=[row.path for row in of_kind],
            x=[size / 2**20 for size in sizes],
            orientation="h",
            name=kind,
            marker_color=KIND_COLORS[kind],
            customdata=[
                (formats.shape(row.output_shape, batch_size=batch_size), formats.mebibytes(size))
                for row, size in zip(of_kind, sizes, strict=True)
            ],
            hovertemplate="<b>%{y}</b><br>output %{customdata[0]}<br>%{customdata[1]} kept"
            "<extra></extra>",
        )
    finish_layer_rows(
        figure,
        [row.path for row in rows],
        "Kept for the backward pass, layer by layer",
        "memory (MiB)",
    )
    return figure
