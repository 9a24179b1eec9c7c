"""Loss and accuracy of runs by epoch, and between the epochs by their steps. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log

import plotly.graph_objects as go

from core.jobs.step_curves import StepCurve
from core.language import N_, _
from core.report.figures.axes import finish_epochs
from core.report.figures.palette import INK, translucent
from core.report.text_width import wrapped
from core.training.records import EpochMetrics

_PERCENT = [0, 103]  # so that a mark near 100 % is not cut
_MIDDLE, _ASIDE = 50, 48  # per cent; pixels between a mark and what is said of it
_LEGEND_LINE, _LEGEND_WIDTH = 20, 44  # pixels and letters of a line of a name, on a phone too
_PLOT_HEIGHT, _BELOW_AXIS, _TITLE_LINE = 360, 56, 20  # pixels, without the legend
_FIELDS = {  # of EpochMetrics → what it is, as it is pointed at
    "train_loss": N_("train loss %{y:.4~g}"),
    "train_accuracy": N_("train accuracy %{y:.4~g} %"),
    "test_loss": N_("test loss %{y:.4~g}"),
    "test_accuracy": N_("test accuracy %{y:.4~g} %"),
}
_NOTHING_YET = [None]  # a line without any point would be missing in the legend


@dataclass(frozen=True)
class Curve:
    """A run, and how it is drawn."""

    label: str
    color: str
    marker: str
    epochs: tuple[EpochMetrics, ...]  # those that are finished
    best_epoch: int | None = None  # to be marked
    planned: int = 1  # epochs, for which the axis has room
    steps: StepCurve | None = None  # between the epochs; of a run under way the browser adds to it
    dash: str = "solid"  # of its test accuracy


def accuracy_chart(curves: Sequence[Curve], train: bool = False, title: str = "") -> go.Figure:
    """Test accuracy over epochs, solid; with `train` the training accuracy too, dashed.

    What steps come to is thin. Where they are drawn the axis goes from 0 to 100 % from the start.
    """
    figure = go.Figure()
    for curve in curves:
        add_steps(figure, curve.steps, "accuracy", curve.label, curve.color, in_legend=train)
        if train:
            _add_training(figure, curve, "train_accuracy", 100.0)
        _add_test(figure, curve, "test_accuracy", _("test") if train else curve.label, 100.0)
        _mark_best(figure, curve)
    title = title or _("Test accuracy by epoch")
    finish_epochs(figure, title, _("accuracy (%)"), _most_epochs(curves), first=0)
    if train or any(curve.steps for curve in curves):
        figure.update_yaxes(range=_PERCENT)
    if not train:
        _list_below(figure)
        figure.update_layout(margin_t=figure.layout.margin.t + _TITLE_LINE * title.count("<br>"))
    return figure


def _list_below(figure: go.Figure) -> None:
    """A row of the legend for each curve: the names of several runs are long."""
    names = [line.name for line in figure.data if line.showlegend]
    room = _LEGEND_LINE * sum(1 + name.count("<br>") for name in names)
    figure.update_layout(
        height=_PLOT_HEIGHT + room,
        margin_b=_BELOW_AXIS + room,
        legend=dict(orientation="v", yref="container", yanchor="bottom", y=0, x=0),
    )


def loss_chart(curves: Sequence[Curve], classes: int) -> go.Figure:
    """Loss over epochs: training dashed, test solid, what steps come to thin."""
    figure = go.Figure()
    for curve in curves:
        add_steps(figure, curve.steps, "loss", curve.label, curve.color)
        _add_training(figure, curve, "train_loss")
        _add_test(figure, curve, "test_loss", _("test"))
    finish_epochs(
        figure, _("Loss by epoch"), _("cross-entropy (nats)"), _most_epochs(curves), first=0
    )
    figure.update_yaxes(range=[0, max(loss_top(c.steps, c.epochs, classes) for c in curves)])
    return figure


def loss_top(steps: StepCurve | None, epochs: Sequence[EpochMetrics], classes: int) -> float:
    """Where the axis of the losses ends: at the first one, rounded up to a half.

    Before it is known, at that of guessing, with which training begins. Further up only where an
    epoch ends there; what steps come to may be cut.
    """
    first = steps.loss[:1] if steps else []
    ends = (loss for epoch in epochs for loss in (epoch.train_loss, epoch.test_loss))
    return ceil(2 * max(filter(isfinite, (log(classes), *first, *ends)))) / 2


def add_steps(
    figure: go.Figure,
    steps: StepCurve | None,
    field: str,
    label: str,
    color: str,
    in_legend: bool = True,
) -> None:
    """What the steps of a run have come to, as a thin line; chart.js adds to it by its `meta`."""
    if steps is None:
        return
    told = (
        _(
            "<b>{name}</b>, epoch %{{x:.2f}}<br>training accuracy %{{y:.4~g}} %, mean of the<br>"
            "batches since the point before",
            name=label,
        )
        if field == "accuracy"
        else _(
            "<b>{name}</b>, epoch %{{x:.2f}}<br>training loss %{{y:.4~g}}, mean of the<br>batches"
            " since the point before",
            name=label,
        )
    )
    figure.add_scatter(
        x=steps.epochs or _NOTHING_YET,
        y=getattr(steps, field) or _NOTHING_YET,
        name=_("train, batches"),
        mode="lines",
        line=dict(color=translucent(color, 0.6), width=1),
        showlegend=in_legend,
        legendgroup=None if in_legend else label,
        meta=dict(run=steps.run, attempt=steps.attempt, field=field),
        uid=f"steps-{steps.run}",
        hovertemplate=f"{told}<extra></extra>",
    )


def _most_epochs(curves: Sequence[Curve]) -> int:
    """Of the longest curve, as far as it is planned."""
    return max((max(len(curve.epochs), curve.planned) for curve in curves), default=1)


def _add_training(figure: go.Figure, curve: Curve, field: str, factor: float = 1.0) -> None:
    """A figure of the training images, dashed and thin."""
    mode = "lines+markers" if len(curve.epochs) == 1 else "lines"  # a point is no line
    _add_line(figure, curve, field, factor, name=_("train"), mode=mode, dash="dash", width=1.5)


def _add_test(figure: go.Figure, curve: Curve, field: str, name: str, factor: float = 1.0) -> None:
    """A figure of the test images; `name` is what the legend calls it."""
    _add_line(figure, curve, field, factor, name, mode="lines+markers", dash=curve.dash, width=2)


def _add_line(
    figure: go.Figure,
    curve: Curve,
    field: str,
    factor: float,
    name: str,
    mode: str,
    dash: str,
    width: float,
) -> None:
    """`factor` times this field of each epoch."""
    if not curve.epochs and curve.steps is None:
        return
    figure.add_scatter(
        x=list(range(1, len(curve.epochs) + 1)) or _NOTHING_YET,
        y=[factor * getattr(metrics, field) for metrics in curve.epochs] or _NOTHING_YET,
        name="<br>".join(wrapped(name.replace(" px", "\N{NO-BREAK SPACE}px"), _LEGEND_WIDTH)),
        legendgroup=name if name == curve.label else None,
        uid=f"{field} {curve.label}",
        mode=mode,
        line=dict(color=curve.color, dash=dash, width=width),
        marker=dict(symbol=curve.marker, size=7),
        showlegend=True,
        hovertemplate=_("<b>{name}</b>, epoch %{{x}}", name=curve.label)
        + f"<br>{_(_FIELDS[field])}<extra></extra>",
    )


def _mark_best(figure: go.Figure, curve: Curve) -> None:
    """A star at the best epoch, where the curve names one; its figure stands apart, whole."""
    best = next((epoch for epoch in curve.epochs if epoch.epoch == curve.best_epoch), None)
    if best is None:
        return
    percent = 100 * best.test_accuracy
    figure.add_scatter(
        x=[best.epoch],
        y=[percent],
        mode="markers",
        marker=dict(symbol="star", size=16, color=curve.color, line=dict(width=1, color="white")),
        showlegend=False,
        hovertemplate=_("best epoch {epoch}", epoch=best.epoch) + "<extra></extra>",
    )
    is_right = best.epoch > max(len(curve.epochs), curve.planned) / 2
    figure.add_annotation(  # towards the middle of the chart, where curves seldom are
        x=best.epoch,
        y=percent,
        text=_("best {percent:.2f} %", percent=percent),
        ax=-_ASIDE if is_right else _ASIDE,
        ay=_ASIDE if percent > _MIDDLE else -_ASIDE,
        xanchor="right" if is_right else "left",
        showarrow=True,
        arrowhead=0,
        arrowwidth=1,
        arrowcolor=INK,
        standoff=8,
    )
