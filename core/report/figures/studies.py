"""Figures of studies and of the shipped reproduction: means, intervals, seeds. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import plotly.graph_objects as go

from core.jobs.step_curves import StepCurve
from core.report.figures.axes import FOOT_LEGEND, finish_epochs
from core.report.figures.curves import add_steps
from core.report.figures.palette import LineStyle, translucent
from core.studies.statistics import Mean, mean_interval


class EpochPoint(Protocol):
    """One epoch of one seed."""

    @property
    def epoch(self) -> int: ...
    @property
    def test_accuracy(self) -> float: ...


@dataclass(frozen=True)
class StudyLine:
    """One variant: what it is called, how it is drawn, its seeds, what was published of it."""

    label: str
    style: LineStyle
    seeds: tuple[tuple[int, Sequence[EpochPoint]], ...]  # (seed, its epochs)
    published: tuple[float, ...] = ()  # fraction, by epoch from 1
    thin: bool = False  # a reference, behind what the reader has trained
    under_way: tuple[StepCurve, ...] = ()  # of its runs that go on; the browser adds to them

    def by_epoch(self) -> list[tuple[int, Mean]]:
        """Mean and interval of each epoch, over the seeds that have finished it."""
        values: dict[int, list[float]] = {}
        for _, points in self.seeds:
            for point in points:
                values.setdefault(point.epoch, []).append(100 * point.test_accuracy)
        return [(epoch, mean) for epoch in sorted(values) if (mean := mean_interval(values[epoch]))]

    def values(self) -> list[float]:
        """Every accuracy that is drawn, in %."""
        own = [100 * point.test_accuracy for _, points in self.seeds for point in points]
        return [*own, *(100 * value for value in self.published)]


def study_chart(
    lines: Sequence[StudyLine],
    title: str,
    every_seed: bool = False,
    epochs: int = 1,
    grows: bool = False,
) -> go.Figure:
    """Test accuracy by epoch: mean with its 95 % interval, or a curve a seed.

    The axis has room for `epochs`, also where not all are done. Published curves are crosses,
    reference means thin lines. While it `grows`, what steps come to is thin, and the axes have room
    for all that may come.
    """
    figure = go.Figure()
    for line in lines:
        for steps in line.under_way:
            add_steps(figure, steps, "accuracy", line.label, line.style.color, in_legend=False)
        if every_seed:
            _add_seeds(figure, line)
        else:
            _add_mean(figure, line)
        _add_published(figure, line)
    finish_epochs(figure, title, "test accuracy (%)")
    trained = [point.epoch for line in lines for _, points in line.seeds for point in points]
    last = max([epochs, *trained, *(len(line.published) for line in lines)])
    figure.update_xaxes(dtick=max(1, last // 10), range=[0 if grows else 0.8, last + 0.2])
    figure.update_xaxes(automargin=True)
    if span := [0.0, 100.0] if grows else y_range(lines):
        figure.update_yaxes(range=span)
    figure.update_layout(
        height=360 + 28 * len(lines),
        margin=dict(t=72),
        legend=FOOT_LEGEND,
    )
    return figure


def y_range(lines: Sequence[StudyLine]) -> list[float] | None:
    """Room for every seed; the interval of two seeds, twelve times their spread, may be cut."""
    values = [value for line in lines for value in line.values()]
    if not values:
        return None
    room = max(0.2, 0.12 * (max(values) - min(values)))
    return [max(0.0, min(values) - room), min(100.0 + room / 4, max(values) + room)]


def _add_mean(figure: go.Figure, line: StudyLine) -> None:
    """The mean of the seeds and the band of its interval."""
    means = line.by_epoch()
    if not means:
        return
    banded = [(epoch, mean.low, mean.high) for epoch, mean in means if mean.low is not None]
    if len(banded) == 1:  # a band of one epoch has no area: a whisker
        banded = []
    if banded:
        epochs = [epoch for epoch, *_ in banded]
        figure.add_scatter(
            x=[*epochs, *reversed(epochs)],
            y=[*(high for *_, high in banded), *(low for _, low, _ in reversed(banded))],
            mode="lines",
            fill="toself",
            fillcolor=translucent(line.style.color),
            line=dict(width=0),
            opacity=0.5 if line.thin else 1.0,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=line.label,
        )
    figure.add_scatter(
        x=[epoch for epoch, _ in means],
        y=[mean.mean for _, mean in means],
        error_y=dict(
            array=[mean.half or 0.0 for _, mean in means], thickness=1, visible=not banded
        ),
        name=line.label,
        mode="lines+markers",
        line=dict(color=line.style.color, width=1 if line.thin else 2.5, dash=line.style.dash),
        marker=dict(symbol=line.style.marker, size=5 if line.thin else 8),
        legendgroup=line.label,
        customdata=[_in_words(mean) for _, mean in means],
        hovertemplate=f"<b>{line.label}</b>, epoch %{{x}}<br>%{{y:.2f}} %%{{customdata}}"
        "<extra></extra>",
    )


def _in_words(mean: Mean) -> str:
    """What the hover says behind the mean."""
    if mean.low is None or mean.high is None:
        return ", one seed"
    return f", mean of {mean.count} seeds<br>95 % interval {mean.low:.2f} to {mean.high:.2f} %"


def _add_seeds(figure: go.Figure, line: StudyLine) -> None:
    """A thin curve for every seed."""
    for index, (seed, points) in enumerate(line.seeds):
        figure.add_scatter(
            x=[point.epoch for point in points],
            y=[100 * point.test_accuracy for point in points],
            name=line.label,
            mode="lines+markers",
            line=dict(color=line.style.color, width=1, dash=line.style.dash),
            marker=dict(symbol=line.style.marker, size=4 if line.thin else 6),
            legendgroup=line.label,
            showlegend=index == 0,
            hovertemplate=f"<b>{line.label}</b>, seed {seed}, epoch %{{x}}<br>%{{y:.2f}} %"
            "<extra></extra>",
        )


def _add_published(figure: go.Figure, line: StudyLine) -> None:
    """Somebody else's run, as crosses on a faint line."""
    if not line.published:
        return
    alone = not line.seeds
    figure.add_scatter(
        x=list(range(1, len(line.published) + 1)),
        y=[100 * value for value in line.published],
        name=f"{line.label}, published run" if alone else "its published run",
        mode="lines+markers",
        line=dict(color=line.style.color, width=0.7, dash="dash"),
        marker=dict(symbol="x-thin", size=7, line=dict(color=line.style.color, width=1.5)),
        legendgroup=line.label,
        showlegend=alone,
        hovertemplate=f"<b>{line.label}</b>, published run<br>epoch %{{x}}: %{{y:.2f}} %"
        "<extra></extra>",
    )
