"""The growing concatenation of a DenseNet as a figure. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.explain.growth import GrowthStep, growth_formula
from core.report import formats
from core.report.figures.charts import BLUE, GRAY, ORANGE, VERMILLION

if TYPE_CHECKING:
    from core.studies.statistics import Mean


def growth_bars(steps: Sequence[GrowthStep]) -> go.Figure:
    """A bar for each step, as high as the channels behind it: where they come from, stacked."""
    dense = [step for step in steps if not step.is_transition]
    kept = [step for step in steps if step.is_transition]
    figure = go.Figure()
    for name, chosen, heights, color, pattern in (
        ("the block's input", dense, [step.block_channels for step in dense], BLUE, ""),
        (
            "added by earlier layers of the block",
            dense,
            [step.channels_in - step.block_channels for step in dense],
            ORANGE,
            "",
        ),
        ("added by this layer", dense, [step.channels_new for step in dense], VERMILLION, "/"),
        ("kept by the transition", kept, [step.channels_out for step in kept], GRAY, "x"),
    ):
        figure.add_bar(
            x=[step.name for step in chosen],
            y=heights,
            name=name,
            marker=dict(
                color=color, pattern=dict(shape=pattern, fillmode="overlay"), line=dict(width=0)
            ),
            customdata=[
                (growth_formula(step), step.side_out, formats.mebibytes(step.saved_bytes))
                for step in chosen
            ],
            hovertemplate=f"<b>%{{x}}</b><br>{name}: %{{y}} channels<br>%{{customdata[0]}}<br>"
            "%{customdata[1]} px a side, keeps %{customdata[2]} an image for the backward pass"
            "<extra></extra>",
        )
    names = [step.name for step in steps]
    figure.update_layout(
        title=growth_finding(steps),
        barmode="stack",
        bargap=0.08,
        height=440,
        margin=dict(t=72, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="bottom", y=1.0, x=0),
        xaxis=dict(
            title="dense layers and transitions, in order",
            categoryorder="array",
            categoryarray=names,
            tickvals=names,
            ticktext=[short_name(step, len(names) > 30) for step in steps],
            tickangle=-90 if len(names) > 16 else -60,
        ),
        yaxis=dict(title="channels"),
    )
    figure.update_layout(legend=dict(yanchor="top", y=-0.42))
    return figure


@dataclass(frozen=True)
class CostPoint:
    """What one trained network costs and reaches."""

    title: str
    is_dense: bool
    params: int
    saved_bytes: int  # for the backward pass of one image
    final: Mean  # test accuracy


def equal_accuracy_chart(points: Sequence[CostPoint]) -> go.Figure:
    """Final accuracy over parameters and over saved activations: equal height is equally good."""
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04)
    for is_dense, name, color, symbol in (
        (True, "DenseNet: concatenates", VERMILLION, "square"),
        (False, "ResNet: adds", BLUE, "circle"),
    ):
        chosen = sorted(
            (one for one in points if one.is_dense == is_dense), key=lambda one: one.params
        )
        for column, costs in (
            (1, [one.params for one in chosen]),
            (2, [one.saved_bytes / 2**20 for one in chosen]),
        ):
            figure.add_scatter(
                x=costs,
                y=[100 * one.final.mean for one in chosen],
                error_y=dict(
                    array=[100 * ((one.final.high or 0) - one.final.mean) for one in chosen],
                    visible=all(one.final.high is not None for one in chosen),
                    thickness=1,
                ),
                mode="markers",
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                marker=dict(color=color, symbol=symbol, size=9),
                customdata=[
                    (
                        one.title,
                        one.final.count,
                        formats.short(one.params),
                        formats.mebibytes(one.saved_bytes),
                    )
                    for one in chosen
                ],
                hovertemplate="<b>%{customdata[0]}</b><br>%{y:.2f} % after the last epoch, mean of"
                " %{customdata[1]} seeds<br>%{customdata[2]} parameters, keeps %{customdata[3]} an"
                " image<extra></extra>",
                row=1,
                col=column,
            )
    figure.update_xaxes(type="log", title="parameters", dtick=1, col=1)
    figure.update_xaxes(type="log", title="MiB kept for backward", dtick=1, col=2)
    figure.update_yaxes(title="test accuracy (%)", col=1)
    figure.update_layout(
        title="What equal accuracy costs",
        height=400,
        margin=dict(t=72, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="bottom", y=1.0, x=0),
    )
    return figure


def short_name(step: GrowthStep, sparse: bool) -> str:
    """`1.3` of dense_block1.layer3; of many steps only the first of each block."""
    if step.is_transition:
        return "" if sparse else step.name
    short = step.name.removeprefix("dense_").replace(".layer", ".")
    first = step.name.endswith(".layer1")
    return short if first else "" if sparse else short.removeprefix("block")


def growth_finding(steps: Sequence[GrowthStep]) -> str:
    """The title: the widest map, and how little of it each layer makes."""
    widest = max(steps, key=lambda step: step.channels_out)
    dense = next(step for step in steps if not step.is_transition)
    return (
        f"Up to {widest.channels_out:,} channels side by side,<br>of which each layer makes"
        f" {dense.channels_new}"
    )
