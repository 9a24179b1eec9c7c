"""The loss over rising learning rates, with the recipe's own and where it begins to rise.

Imports no torch.
"""

from __future__ import annotations

from math import log10

import plotly.graph_objects as go

from core.language import _, ngettext
from core.measure.gradient_records import Spread
from core.measure.learning_rate_records import HIGHEST, LOWEST, LearningRates
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND, set_title
from core.report.figures.palette import BLUE, ORANGE, RED, translucent
from core.report.sentences.learning_rates import rate_text, rise_finding

_ROOM = 1.3  # of the axis, above the loss with which training begins
_LEFT_EDGE = 1e-4  # rates below it have their name to the right, where it has room


def learning_rate_chart(found: LearningRates, own: float) -> go.Figure:
    """Loss of each batch, smoothed for each seed, in the mean; `own`: the recipe's rate."""
    figure = go.Figure()
    top = _ROOM * max((sweep.losses[0] for sweep in found.sweeps), default=1.0)
    if found.rise is not None:
        _mark_rise(figure, found.rise, top)
    _add_sweeps(figure, found)
    if LOWEST <= own <= HIGHEST:
        _mark_own(figure, own, top, found.rise)
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
        height=420,
        margin=dict(t=56, b=112, l=8, r=16),
        hovermode="closest",
        legend=FOOT_LEGEND | dict(traceorder="normal"),
    )
    set_title(figure, rise_finding(found))
    return figure


def _add_sweeps(figure: go.Figure, found: LearningRates) -> None:
    """Dots, thin lines, and a bold one where several sweeps are over."""
    rates, count = found.rates, len(found.sweeps)
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


def _mark_rise(figure: go.Figure, rise: Spread, top: float) -> None:
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
    _add_line(figure, rise.median, top, _("the loss begins to rise"), RED, "solid", told)


def _mark_own(figure: go.Figure, own: float, top: float, rise: Spread | None) -> None:
    """A dashed line at the recipe's rate; both lines have their rates written beside them."""
    told = _("<b>the recipe's rate</b><br>{rate}", rate=rate_text(own))
    _add_line(figure, own, top, _("the recipe's rate"), ORANGE, "dash", told)
    is_left = own > _LEFT_EDGE and (rise is None or own <= rise.median)
    _name_line(figure, own, _("recipe: {rate}", rate=rate_text(own)), 1.0, is_left)
    if rise is not None:
        is_left = not is_left and rise.median > _LEFT_EDGE
        _name_line(
            figure, rise.median, _("rises: {rate}", rate=rate_text(rise.median)), 0.92, is_left
        )


def _add_line(
    figure: go.Figure, rate: float, top: float, name: str, color: str, dash: str, told: str
) -> None:
    """From the foot to the top; points between, so that it can be pointed at."""
    points = 20
    figure.add_scatter(
        x=[rate] * (points + 1),
        y=[top * point / points for point in range(points + 1)],
        name=name,
        mode="lines",
        line=dict(color=color, dash=dash, width=2),
        hovertemplate=f"{told}<extra></extra>",
    )


def _name_line(figure: go.Figure, rate: float, text: str, height: float, is_left: bool) -> None:
    """Beside its upper end, as a share of the plot's height."""
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
