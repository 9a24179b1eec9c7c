"""What a training step holds in memory, and what each layer keeps. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.analysis.records import KINDS, TrainingMemory
from core.language import N_, _
from core.report import formats
from core.report.cost_rows import CostRow
from core.report.figures.axes import with_share
from core.report.figures.layer_rows import (
    from_zero,
    lay_out_rows,
    make_room_on_narrow_pages,
    number_at_end,
)
from core.report.figures.palette import GRAY, KIND_COLORS, part_marker, tints_and_patterns
from core.report.sentences.findings import saved_finding

MEMORY_PARTS = (  # field of TrainingMemory, how it is called
    ("parameters", N_("parameters")),
    ("optimiser", N_("momentum of the optimizer")),
    ("gradients", N_("gradients of the parameters")),
    ("saved", N_("saved for the backward pass")),
    ("temporaries", N_("gradients on the way, and work space")),
    ("images", N_("the images")),
    ("buffers", N_("running statistics")),
)


def memory_bars(memory: TrainingMemory, inference_bytes: int) -> go.Figure:
    """The parts of a training step at its worst moment, stacked; inference under it."""
    figure = go.Figure()
    for (field, name), (color, pattern) in zip(MEMORY_PARTS, tints_and_patterns(), strict=False):
        size = getattr(memory, field)
        figure.add_bar(
            y=[_("training")],
            x=[size / 2**20],
            orientation="h",
            name=_(name),
            marker=part_marker(color, pattern),
            customdata=[(formats.mebibytes(size), 100 * size / max(1, memory.total))],
            hovertemplate=f"<b>{_(name)}</b><br>"
            + with_share("%{customdata[0]}", "%{customdata[1]:.1f} %")
            + "<extra></extra>",
        )
    figure.add_bar(
        y=[_("inference")],
        x=[inference_bytes / 2**20],
        orientation="h",
        name=_("inference, all"),
        marker=dict(color=GRAY, pattern=dict(shape="/")),
        hovertemplate=f"<b>{_('inference')}</b><br>{formats.mebibytes(inference_bytes)}<extra></extra>",
    )
    largest = max(MEMORY_PARTS, key=lambda part: getattr(memory, part[0]))
    share = 100 * getattr(memory, largest[0]) / max(1, memory.total)
    figure.update_layout(
        title=_(
            "{memory} at the worst moment:<br>{share:.0f} % are {part}",
            memory=formats.mebibytes(memory.total),
            share=share,
            part=_(largest[1]),
        ),
        barmode="stack",
        height=330,
        margin=dict(t=64, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.32, traceorder="normal"),
        xaxis=dict(ticksuffix=" MiB", nticks=5),  # a title would lie under the legend when narrow
        yaxis=dict(autorange="reversed"),
    )
    return figure


def saved_bars(rows: Sequence[CostRow], batch_size: int) -> go.Figure:
    """What autograd keeps of each row for the backward pass, at this batch, by kind of layer."""
    figure = go.Figure()
    all_sizes = [row.saved_bytes(batch_size) for row in rows]
    for kind in KINDS:
        places = [place for place, row in enumerate(rows) if row.kind == kind]
        if not places:
            continue
        sizes = [all_sizes[place] for place in places]
        figure.add_bar(
            y=places,
            x=[size / 2**20 for size in sizes],
            orientation="h",
            name=_(kind),
            marker_color=KIND_COLORS[kind],
            **number_at_end([formats.mebibytes(size) for size in sizes]),
            customdata=[
                (
                    rows[place].path,
                    formats.shape(rows[place].layers[-1].output_shape, batch_size=batch_size),
                    formats.mebibytes(size),
                )
                for place, size in zip(places, sizes, strict=True)
            ],
            hovertemplate=_(
                "<b>%{customdata[0]}</b><br>output %{customdata[1]}<br>%{customdata[2]} kept"
            )
            + "<extra></extra>",
        )
    lay_out_rows(figure, saved_finding(rows, batch_size), [row.path for row in rows])
    longest = max(all_sizes, default=0) / 2**20 or 1.0
    figure.update_layout(barmode="overlay", xaxis=from_zero(longest, title=_("memory (MiB)")))
    numbers = [formats.mebibytes(size) for size in all_sizes]
    make_room_on_narrow_pages(figure, longest, numbers)
    return figure
