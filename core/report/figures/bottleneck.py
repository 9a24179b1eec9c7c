"""A convolution directly and through a 1×1: what both cost. Imports no torch."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go

from core.explain.calculators import MAX_CHANNELS, Bottleneck
from core.language import _
from core.report import formats
from core.report.figures.axes import finish
from core.report.figures.palette import BLUE, ORANGE


def bottleneck_bars(numbers: Bottleneck) -> go.Figure:
    """MACs of the direct convolution and, under it, of the detour's two steps."""
    reduce, then = numbers.steps
    direct = _("directly")
    through = _("through {channels}", channels=numbers.middle_channels)
    large = f"{numbers.kernel}×{numbers.kernel}"
    figure = go.Figure()
    for name, color, pattern, ways, macs in (
        ("1×1", ORANGE, "/", [through], [reduce.macs]),
        (large, BLUE, "", [direct, through], [numbers.direct.macs, then.macs]),
    ):
        figure.add_bar(
            y=ways,
            x=macs,
            orientation="h",
            name=_("{window} convolution", window=name),
            marker=dict(
                color=color,
                pattern=dict(shape=pattern, fillmode="overlay"),
                line=dict(width=0),
            ),
            hovertemplate=_("<b>%{{y}}</b>, {window} convolution<br>%{{x:,}} MACs", window=name)
            + "<extra></extra>",
        )
    longest = max(numbers.direct.macs, numbers.macs)
    for way, total in ((direct, numbers.direct.macs), (through, numbers.macs)):
        figure.add_annotation(
            x=total,
            y=way,
            text=formats.short(total),
            xanchor="left",
            xshift=4,
            showarrow=False,
        )
    part = formats.part_of(numbers.macs, numbers.direct.macs, _("the direct MACs"))
    title = _("Through {channels:,} channels: {part}", channels=numbers.middle_channels, part=part)
    finish(figure, title, 270)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title=_("MACs an image"), tickformat="~s", nticks=6)
    figure.update_xaxes(range=[0, 1.35 * longest])
    figure.update_yaxes(autorange="reversed", categoryarray=[direct, through])
    return figure


def bottleneck_curve(numbers: Bottleneck) -> go.Figure:
    """MACs of the detour over the channels in its middle, and where they reach the direct way's."""
    most, middle = numbers.break_even_channels, numbers.middle_channels
    end = min(MAX_CHANNELS, max(round(1.3 * most), round(1.15 * middle), 8))
    detour = [replace(numbers, middle_channels=channels).macs for channels in (1, end)]
    figure = go.Figure()
    figure.add_scatter(
        x=[1, end],
        y=detour,
        mode="lines",
        line=dict(color=BLUE),
        name=_("through a 1×1"),
        hovertemplate=_("%{y:,} MACs through %{x} channels") + "<extra></extra>",
    )
    figure.add_scatter(
        x=[0, end],
        y=[numbers.direct.macs] * 2,
        mode="lines",
        line=dict(color=ORANGE, dash="dash"),
        name=_("directly"),
        hovertemplate=_("%{y:,} MACs directly") + "<extra></extra>",
    )
    figure.add_scatter(
        x=[middle],
        y=[numbers.macs],
        mode="markers",
        marker=dict(color=BLUE, symbol="circle", size=12),
        name=_("your {channels}", channels=middle),
        hovertemplate=_("<b>your choice</b><br>%{y:,} MACs through %{x} channels")
        + "<extra></extra>",
    )
    saves = (
        _("The detour saves MACs up to {channels:,} channels", channels=most)
        if most
        else _("No detour saves MACs")
    )
    finish(figure, saves, 270)
    figure.update_xaxes(title=_("channels in the middle"), range=[0, 1.02 * end])
    figure.update_yaxes(title=_("MACs an image"), tickformat="~s", rangemode="tozero", nticks=6)
    return figure
