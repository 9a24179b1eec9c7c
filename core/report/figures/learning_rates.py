"""The loss over rising learning rates, with the recipe's own and where it begins to rise.

Imports no torch.
"""

from __future__ import annotations

from math import log10
from typing import Any

import plotly.graph_objects as go

from core.language import _, ngettext
from core.measure.gradient_records import Spread
from core.measure.learning_rate_records import HIGHEST, LOWEST, LearningRates
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND, set_title
from core.report.figures.palette import BLUE, ORANGE, RED, translucent
from core.report.sentences.learning_rates import rate_text, rise_finding

_HEIGHT = 420  # pixels
_ROOM = 1.3  # of the axis, above the loss with which training begins
_LEFT_EDGE = 1e-3  # rates below it have their name to the right, where it has room
_POINTS = 20  # of a line across the plot
_LAST = 2_000  # in a legend, where others have 1,000


def learning_rate_chart(found: LearningRates, own: float) -> go.Figure:
    """Loss of each batch, smoothed for each seed, in the mean; `own`: the recipe's rate."""
    figure = go.Figure()
    top = _ROOM * max((sweep.losses[0] for sweep in found.sweeps), default=1.0)
    rise = found.rise
    own_is_larger = rise is not None and own > rise.median
    if rise is not None:
        _mark_rise(figure, rise, top, is_left=own_is_larger)
    _add_sweeps(figure, found)
    if LOWEST <= own <= HIGHEST:
        _mark_own(figure, own, top, is_left=not own_is_larger)
    powers = range(round(log10(LOWEST)), round(log10(HIGHEST)) + 1)
    figure.update_layout(
        xaxis=dict(
            title=_("learning rate (log)"),
            type="log",
            range=[powers[0], powers[-1]],
            tickvals=[10.0**power for power in powers],
            ticktext=[_power(power) for power in powers],
        ),
        yaxis=dict(title=_("cross-entropy (nats)"), range=[0, top]),
        height=_HEIGHT,
        margin=dict(t=56, b=48, l=8, r=16),
        hovermode="closest",
        legend=FOOT_LEGEND,
    )
    set_title(figure, rise_finding(found))
    return figure


def _add_sweeps(figure: go.Figure, found: LearningRates) -> None:
    """Dots, thin lines, and a bold one where several sweeps are over."""
    rates, count = found.rates, len(found.over)
    for number, sweep in enumerate(found.sweeps):
        hover = "<br>" + _("rate %{x:.2~g}, loss %{y:.3~g} nats") + "<extra></extra>"
        shared = dict(x=rates[: len(sweep.losses)], showlegend=number == 0)
        figure.add_scatter(
            **shared,
            y=list(sweep.losses),
            name=_("each batch"),
            legendgroup="batches",
            mode="markers",
            marker=dict(size=3, color=translucent(BLUE, 0.35)),
            hovertemplate=_("<b>a batch</b>, seed {seed}", seed=sweep.seed) + hover,
        )
        figure.add_scatter(
            **shared,
            y=found.smoothed(sweep),
            name=_("each seed, smoothed"),
            legendgroup="seeds",
            mode="lines",
            line=dict(color=translucent(BLUE, 0.6), width=1.5),
            hovertemplate=_("<b>smoothed</b>, seed {seed}", seed=sweep.seed) + hover,
        )
    if count > 1 and (mean := found.mean_curve):
        figure.add_scatter(
            x=rates[: len(mean)],
            y=mean,
            name=_("mean"),
            mode="lines",
            line=dict(color=BLUE, width=3),
            hovertemplate=ngettext(
                "<b>mean</b> of {number} seed", "<b>mean</b> of {number} seeds", count
            )
            + hover,
        )


def _mark_rise(figure: go.Figure, rise: Spread, top: float, is_left: bool) -> None:
    """A line where the loss begins to rise, in a band from the first seed to the last."""
    figure.add_scatter(
        x=[rise.low, rise.high, rise.high, rise.low],
        y=[0, 0, top, top],
        mode="lines",
        line=dict(width=0),
        fill="toself",
        fillcolor=translucent(RED, 0.12),
        showlegend=False,
        hoverinfo="skip",
    )
    told = _(
        "<b>the loss begins to rise</b><br>at {rate} ({low} to {high} over the seeds)",
        rate=rate_text(rise.median),
        low=rate_text(rise.low),
        high=rate_text(rise.high),
    )
    line = dict(color=RED, dash="solid", width=2)
    _add_line(figure, rise.median, top, _("the loss begins to rise"), line, told)
    text = _("rises: {rate}", rate=rate_text(rise.median))
    _name_line(figure, rise.median, text, 0.92, is_left)


def _mark_own(figure: go.Figure, own: float, top: float, is_left: bool) -> None:
    """A dashed line at the recipe's rate."""
    told = _("<b>the recipe's rate</b><br>{rate}", rate=rate_text(own))
    line = dict(color=ORANGE, dash="dash", width=2)
    _add_line(figure, own, top, _("the recipe's rate"), line, told)
    _name_line(figure, own, _("recipe: {rate}", rate=rate_text(own)), 1.0, is_left)


def _add_line(
    figure: go.Figure, rate: float, top: float, name: str, line: dict[str, Any], told: str
) -> None:
    """From the foot to the top, the last in the legend; it can be pointed at all along."""
    figure.add_scatter(
        x=[rate] * _POINTS,
        y=[top * point / (_POINTS - 1) for point in range(_POINTS)],
        name=name,
        mode="lines",
        line=line,
        legendrank=_LAST,
        hovertemplate=f"{told}<extra></extra>",
    )


def _name_line(figure: go.Figure, rate: float, text: str, height: float, is_left: bool) -> None:
    """Beside it, at this share of the plot's height."""
    is_left = is_left and rate > _LEFT_EDGE
    figure.add_annotation(
        x=log10(rate),
        y=height,
        yref="paper",
        text=text,
        showarrow=False,
        xanchor="right" if is_left else "left",
        yanchor="top",
        xshift=-4 if is_left else 4,
    )


def _power(power: int) -> str:
    """0.01, 0.1, 1 and 10 as they are, smaller ones as 10⁻⁵."""
    return f"{10.0**power:g}" if power >= -2 else f"10{formats.superscript(power)}"
