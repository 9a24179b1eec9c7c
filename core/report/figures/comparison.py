"""Several networks side by side: what they cost, and what that buys. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from statistics import fmean

import plotly.graph_objects as go

from core.analysis.records import Analysis
from core.report import formats
from core.report.figures.axes import add_to_title, log_axis
from core.report.figures.palette import GRAY, KIND_COLORS


def cost_scatter(
    points: Sequence[tuple[str, str, str, Analysis, int]], as_flops: bool = False
) -> go.Figure:
    """MACs against parameters, bubble by training memory: (label, color, marker, it, bytes).

    The dashed line is the Pareto front: no other network has both fewer MACs and fewer parameters.
    """
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    figure = go.Figure()
    costs = [(a.totals.params, factor * a.totals.macs) for *_, a, _ in points]
    front = sorted(cost for cost in costs if not any(_dominates(other, cost) for other in costs))
    figure.add_scatter(
        x=[params for params, _ in front],
        y=[macs for _, macs in front],
        mode="lines",
        line=dict(color=GRAY, dash="dash", width=1),
        hoverinfo="skip",
        showlegend=False,
    )
    largest = max((memory for *_, memory in points), default=1)
    for (label, color, marker, _, memory), (params, macs) in zip(points, costs, strict=True):
        figure.add_scatter(
            x=[params],
            y=[macs],
            mode="markers+text",
            marker=dict(
                color=color, symbol=marker, size=14 + 34 * (memory / largest) ** 0.5, opacity=0.75
            ),
            text=[label],
            textposition=_label_position(params, [other for other, _ in costs]),
            cliponaxis=False,
            hovertemplate=f"<b>{label}</b><br>{params:,} parameters<br>{macs:,} {unit}<br>"
            f"{formats.mebibytes(memory)} to train a batch<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        title=f"{unit} against parameters<br>bubble: training memory; dashed: Pareto front",
        xaxis=dict(title="parameters (log)", **log_axis(params for params, _ in costs)),
        yaxis=dict(title=f"{unit} an image (log)", **log_axis(macs for _, macs in costs)),
        height=460,
        margin=dict(t=72, b=48, l=8, r=8),
    )
    return figure


@dataclass(frozen=True)
class AccuracyPoint:
    """What the runs of one network under one condition have reached."""

    label: str
    color: str
    marker: str
    macs: int  # an image
    accuracies: tuple[float, ...]  # best test accuracy of each run, as a fraction
    guesses: bool = False  # whether they are no better than guessing

    @property
    def mean(self) -> float:
        """Over the runs."""
        return fmean(self.accuracies)


def accuracy_scatter(points: Sequence[AccuracyPoint], condition: str) -> go.Figure:
    """Accuracy against MACs: the mean over the runs, a bar from the lowest to the highest.

    `condition` is what all of the runs share, in words. The dashed line is the Pareto front: no
    other network is as accurate with fewer MACs; one that guesses is never on it.
    """
    figure = go.Figure()
    front = sorted(
        (point.macs, point.mean)
        for point in points
        if not point.guesses
        and not any(
            _dominates((other.macs, -other.mean), (point.macs, -point.mean)) for other in points
        )
    )
    figure.add_scatter(
        x=[macs for macs, _ in front],
        y=[100 * mean for _, mean in front],
        mode="lines",
        line=dict(color=GRAY, dash="dash", width=1),
        hoverinfo="skip",
        showlegend=False,
    )
    for point in points:
        low, high = min(point.accuracies), max(point.accuracies)
        figure.add_scatter(
            x=[point.macs],
            y=[100 * point.mean],
            error_y=dict(
                type="data",
                symmetric=False,
                array=[100 * (high - point.mean)],
                arrayminus=[100 * (point.mean - low)],
            ),
            mode="markers+text",
            marker=dict(color=point.color, symbol=point.marker, size=13),
            text=[point.label],
            textposition=_label_position(
                point.macs,
                [other.macs for other in points],
                is_over=any(
                    other.macs == point.macs and other.mean < point.mean for other in points
                ),
            ),
            cliponaxis=False,
            hovertemplate=f"<b>{point.label}</b><br>{point.macs:,} MACs an image<br>"
            f"{100 * point.mean:.2f} % ({_runs_text(point.accuracies)})<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        title="Accuracy against MACs",
        xaxis=dict(title="MACs an image (log)", **log_axis(point.macs for point in points)),
        yaxis=dict(title="best test accuracy (%)"),
        height=440,
        margin=dict(t=52, b=48, l=8, r=8),
    )
    add_to_title(figure, condition)
    return figure


def _runs_text(accuracies: Sequence[float]) -> str:
    """How many runs a mean is of, and how far they lie apart."""
    if len(accuracies) == 1:
        return "1 run"
    low, high = formats.points(min(accuracies)), formats.points(max(accuracies))
    return f"{len(accuracies)} runs, {low} to {high}"


def _label_position(value: float, values: Sequence[float], is_over: bool = False) -> str:
    """Beside the marker where it stands near an end of the log axis, so that no label is cut.

    A costly network mostly stands high: above it there is room, under it are the others' labels.
    One that `is_over` another mark has its label above itself.
    """
    low, high = (log10(max(1, bound(values))) for bound in (min, max))
    share = (log10(max(1, value)) - low) / (high - low) if high > low else 0.5
    side = "top" if is_over or share > 0.75 else "bottom"
    return f"{side} {'right' if share < 0.25 else 'left' if share > 0.75 else 'center'}"


def _dominates(cost: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether `cost` is no larger than `other` in both numbers and smaller in one."""
    return cost != other and cost[0] <= other[0] and cost[1] <= other[1]


def stage_bars(networks: Sequence[tuple[str, Analysis]], field: str, title: str) -> go.Figure:
    """What each network's blocks cost, stacked from the image to the classes, by kind of layer."""
    figure = go.Figure()
    seen: set[str] = set()
    for label, analysis in networks:
        for block in analysis.rows("block"):
            value = getattr(block, field)
            if not value:
                continue
            figure.add_bar(
                y=[label],
                x=[value],
                orientation="h",
                name=block.kind,
                legendgroup=block.kind,
                showlegend=block.kind not in seen,
                marker=dict(color=KIND_COLORS[block.kind], line=dict(width=1, color="white")),
                hovertemplate=f"<b>{label}</b>, {block.path}<br>{value:,}<extra></extra>",
            )
            seen.add(block.kind)
    figure.update_layout(
        title=title,
        barmode="stack",
        height=130 + 34 * len(networks),
        margin=dict(t=48, b=72, l=8, r=8),
        xaxis=dict(tickformat="~s"),
        yaxis=dict(autorange="reversed", automargin=True),
        legend=dict(orientation="h", yref="container", y=0, yanchor="bottom"),
    )
    return figure
