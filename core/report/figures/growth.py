"""The growing concatenation of a DenseNet as a figure. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.explain.growth import GrowthStep, growth_formula
from core.language import _
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.palette import BLUE, GRAY, GREEN, ORANGE
from core.report.sentences.findings import growth_finding


def growth_bars(steps: Sequence[GrowthStep]) -> go.Figure:
    """A bar for each step, as high as the channels behind it: where they come from, stacked."""
    dense = [step for step in steps if not step.is_transition]
    transitions = [step for step in steps if step.is_transition]
    figure = go.Figure()
    for name, shown, heights, color, pattern in (
        (_("the block's input"), dense, [step.block_channels for step in dense], BLUE, ""),
        (
            _("added by earlier layers of the block"),
            dense,
            [step.channels_in - step.block_channels for step in dense],
            GREEN,
            "",
        ),
        (_("added by this layer"), dense, [step.channels_new for step in dense], ORANGE, "/"),
        (
            _("kept by the transition"),
            transitions,
            [step.channels_out for step in transitions],
            GRAY,
            "x",
        ),
    ):
        figure.add_bar(
            x=[step.name for step in shown],
            y=heights,
            name=name,
            marker=dict(
                color=color, pattern=dict(shape=pattern, fillmode="overlay"), line=dict(width=0)
            ),
            customdata=[
                (growth_formula(step), step.side_out, formats.mebibytes(step.saved_bytes))
                for step in shown
            ],
            hovertemplate=_(
                "<b>%{{x}}</b><br>{part}: %{{y}} channels<br>%{{customdata[0]}}<br>"
                "%{{customdata[1]}} px a side, keeps %{{customdata[2]}} an image for the backward"
                " pass",
                part=name,
            )
            + "<extra></extra>",
        )
    names = [step.name for step in steps]
    figure.update_layout(
        title=growth_finding(steps),
        barmode="stack",
        bargap=0.08,
        height=440,
        margin=dict(t=72, b=48, l=8, r=8),
        legend=FOOT_LEGEND,
        xaxis=dict(
            title=_("dense layers and transitions, in order"),
            categoryorder="array",
            categoryarray=names,
            tickvals=names,
            ticktext=[_short_name(step, len(names) > 30) for step in steps],
            tickangle=-90 if len(names) > 16 else -60,
        ),
        yaxis=dict(title=_("channels")),
    )
    return figure


def _short_name(step: GrowthStep, sparse: bool) -> str:
    """`1.3` of dense_block1.layer3; of many steps only the first of each block."""
    if step.is_transition:
        return "" if sparse else step.name
    short = step.name.removeprefix("dense_").replace(".layer", ".")
    first = step.name.endswith(".layer1")
    return short if first else "" if sparse else short.removeprefix("block")
