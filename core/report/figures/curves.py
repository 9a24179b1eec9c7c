"""Loss and accuracy of runs by epoch. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.report.figures.axes import finish_epochs
from core.training.records import EpochMetrics

_LOSS_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


@dataclass(frozen=True)
class Curve:
    """A run, and how it is drawn."""

    label: str
    color: str
    marker: str
    epochs: tuple[EpochMetrics, ...]  # those that are finished
    best_epoch: int | None = None  # to be marked


def accuracy_chart(curves: Sequence[Curve], train: bool = False) -> go.Figure:
    """Test accuracy over epochs, solid; with `train` the training accuracy too, dashed."""
    figure = go.Figure()
    for curve in curves:
        if train:
            _add_training(figure, curve, "train_accuracy", 100.0)
        _add_test(figure, curve, "test_accuracy", "test" if train else curve.label, 100.0)
        _mark_best(figure, curve)
    finish_epochs(figure, "Test accuracy by epoch", "accuracy (%)", _most_epochs(curves))
    return figure


def loss_chart(curves: Sequence[Curve]) -> go.Figure:
    """Loss over epochs on a log axis: training dashed, test solid."""
    figure = go.Figure()
    for curve in curves:
        _add_training(figure, curve, "train_loss")
        _add_test(figure, curve, "test_loss", "test")
    finish_epochs(figure, "Loss by epoch", "cross-entropy (nats, log)", _most_epochs(curves))
    figure.update_yaxes(type="log", tickvals=_LOSS_TICKS, ticktext=list(map(str, _LOSS_TICKS)))
    return figure


def _most_epochs(curves: Sequence[Curve]) -> int:
    """Of the longest curve."""
    return max((len(curve.epochs) for curve in curves), default=1)


def _add_training(figure: go.Figure, curve: Curve, field: str, factor: float = 1.0) -> None:
    """A figure of the training images, dashed and thin."""
    mode = "lines+markers" if len(curve.epochs) == 1 else "lines"  # a point is no line
    _add_line(figure, curve, field, factor, name="train", mode=mode, dash="dash", width=1.5)


def _add_test(figure: go.Figure, curve: Curve, field: str, name: str, factor: float = 1.0) -> None:
    """A figure of the test images; `name` is what the legend calls it."""
    _add_line(figure, curve, field, factor, name, mode="lines+markers", dash="solid", width=2)


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
    if not curve.epochs:
        return
    figure.add_scatter(
        x=list(range(1, len(curve.epochs) + 1)),
        y=[factor * getattr(metrics, field) for metrics in curve.epochs],
        name=name,
        mode=mode,
        line=dict(color=curve.color, dash=dash, width=width),
        marker=dict(symbol=curve.marker, size=7),
        showlegend=True,
        hovertemplate=f"<b>{curve.label}</b>, epoch %{{x}}<br>{field.replace('_', ' ')}"
        " %{y:.4~g}<extra></extra>",
    )


def _mark_best(figure: go.Figure, curve: Curve) -> None:
    """A star and a word at the best epoch, where the curve names one."""
    best = next((epoch for epoch in curve.epochs if epoch.epoch == curve.best_epoch), None)
    if best is None:
        return
    figure.add_scatter(
        x=[best.epoch],
        y=[100 * best.test_accuracy],
        mode="markers+text",
        marker=dict(symbol="star", size=16, color=curve.color, line=dict(width=1, color="white")),
        text=[f"best {100 * best.test_accuracy:.2f} %"],
        textposition="bottom center",
        showlegend=False,
        hovertemplate=f"best epoch {best.epoch}<extra></extra>",
    )
