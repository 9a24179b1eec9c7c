"""Figures of studies and of the shipped reproduction: means, intervals, seeds. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from types import MappingProxyType
from typing import Protocol

import plotly.graph_objects as go

from core.jobs.step_curves import StepCurve
from core.language import _
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND, finish_epochs
from core.report.figures.curves import add_steps
from core.report.figures.line_ends import LineEnd, name_line_ends
from core.report.figures.palette import GRAY, LineStyle, translucent
from core.report.figures.variants import style_of
from core.studies.statistics import LEAST_SEEDS, Mean, mean_interval
from core.studies.study import Group

_HEIGHT, _TOP, _FOOT = 440, 72, 64  # pixels of the figure, above its axes and below
_LEGEND_LINE = 20  # pixels
_MOST_BANDS, _MOST_COLORS = 2, 6
_NO_STEPS: Mapping[int, StepCurve] = MappingProxyType({})


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
        for __, points in self.seeds:
            for point in points:
                values.setdefault(point.epoch, []).append(100 * point.test_accuracy)
        return [(epoch, mean) for epoch in sorted(values) if (mean := mean_interval(values[epoch]))]

    def values(self) -> list[float]:
        """Every accuracy that is drawn, in %."""
        own = [100 * point.test_accuracy for __, points in self.seeds for point in points]
        return [*own, *(100 * value for value in self.published)]


def study_lines(
    groups: Sequence[Group], steps: Mapping[int, StepCurve] = _NO_STEPS
) -> list[StudyLine]:
    """A line for each variant; `steps`: by the number of a run that goes on, what it has so far."""
    return [
        StudyLine(
            escape(group.title),
            style_of(group.variant, position),
            tuple(
                (run.spec.seed, metrics)
                for run, metrics in zip(group.runs, group.epochs, strict=True)
                if metrics
            ),
            under_way=tuple(steps[run.id] for run in group.runs if run.id in steps),
        )
        for position, group in enumerate(groups)
    ]


def study_chart(
    lines: Sequence[StudyLine], title: str, epochs: int = 1, grows: bool = False
) -> go.Figure:
    """Test accuracy by epoch: the mean of the seeds bold, each seed thin behind it.

    Of one or two lines the mean has the band of its 95 % interval. Of more than six lines one
    stands out, that which ends highest. The axis has room for `epochs`, also where not all are
    done. Published curves are crosses, reference means thin lines. While it `grows`, what steps
    come to is thin, the axes have room for all that may come, and the names are in a legend.
    """
    figure = go.Figure()
    lines = _one_stands_out(lines)
    is_banded = sum(bool(line.seeds) for line in lines) <= _MOST_BANDS
    for line in lines:
        for steps in line.under_way:
            add_steps(figure, steps, "accuracy", line.label, line.style.color, in_legend=False)
        _add_seeds(figure, line)
        _add_mean(figure, line, is_banded)
        _add_published(figure, line)
    finish_epochs(figure, title, _("test accuracy (%)"))
    trained = [point.epoch for line in lines for __, points in line.seeds for point in points]
    last = max([epochs, *trained, *(len(line.published) for line in lines)])
    figure.update_xaxes(dtick=max(1, last // 10), range=[0 if grows else 0.8, last + 0.2])
    figure.update_xaxes(automargin=True)
    height = _HEIGHT + _LEGEND_LINE * max(0, len(lines) - _MOST_BANDS)  # of a phone's legend
    figure.update_layout(height=height, margin=dict(t=_TOP), legend=FOOT_LEGEND)
    if span := [0.0, 100.0] if grows else y_range(lines):
        figure.update_yaxes(range=span)
    if not grows and span and (ends := [end for line in lines if (end := _end_of(line))]):
        name_line_ends(figure, ends, (span[0], span[1]), height - _TOP - _FOOT)
    return figure


def _one_stands_out(lines: Sequence[StudyLine]) -> list[StudyLine]:
    """Of more lines than there are colors all but that which ends highest are gray."""
    if len(lines) <= _MOST_COLORS:
        return list(lines)
    highest = max(lines, key=lambda line: end.y if (end := _end_of(line)) else 0.0)
    return [
        line if line is highest else replace(line, style=replace(line.style, color=GRAY), thin=True)
        for line in lines
    ]


def _end_of(line: StudyLine) -> LineEnd | None:
    """The last point of its mean, else of what was published."""
    means = line.by_epoch()
    if means:
        epoch, mean = means[-1]
        return LineEnd(line.label, epoch, mean.mean, line.style.color, line.style.marker)
    if line.published:
        last = len(line.published), 100 * line.published[-1]
        return LineEnd(_("{name}, published", name=line.label), *last, line.style.color, "x")
    return None


def y_range(lines: Sequence[StudyLine]) -> list[float] | None:
    """Room for every seed; an interval may be cut."""
    values = [value for line in lines for value in line.values()]
    if not values:
        return None
    room = max(0.2, 0.12 * (max(values) - min(values)))
    return [max(0.0, min(values) - room), min(100.0 + room / 4, max(values) + room)]


def _add_mean(figure: go.Figure, line: StudyLine, is_banded: bool) -> None:
    """The mean of the seeds, where `is_banded` with its interval: of enough seeds to tell it."""
    means = line.by_epoch()
    if not means:
        return
    banded = [(e, mean.low, mean.high) for e, mean in means if mean.count >= LEAST_SEEDS]
    if not is_banded or len(banded) == 1:  # a band of one epoch has no area: a whisker
        banded = []
    if banded:
        epochs = [epoch for epoch, *__ in banded]
        figure.add_scatter(
            x=[*epochs, *reversed(epochs)],
            y=[*(high for *__, high in banded), *(low for __, low, _high in reversed(banded))],
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
        x=[epoch for epoch, __ in means],
        y=[mean.mean for __, mean in means],
        error_y=dict(
            array=[mean.half if mean.count >= LEAST_SEEDS else 0.0 for __, mean in means],
            thickness=1,
            visible=is_banded and not banded,
        ),
        name=line.label,
        mode="lines+markers",
        line=dict(color=line.style.color, width=1 if line.thin else 3, dash=line.style.dash),
        marker=dict(symbol=line.style.marker, size=5 if line.thin else 8),
        legendgroup=line.label,
        customdata=[_in_words(mean) for __, mean in means],
        hovertemplate=_("<b>{name}</b>, epoch %{{x}}", name=line.label)
        + "<br>%{y:.2f} %%{customdata}<extra></extra>",
    )


def _in_words(mean: Mean) -> str:
    """What the hover says behind the mean."""
    if mean.low is None or mean.high is None:
        return _(", one seed")
    return _(
        ", mean of {count} seeds<br>95 % interval {low} to {high} %",
        count=mean.count,
        low=formats.points(mean.low / 100),
        high=formats.points(mean.high / 100),
    )


def _add_seeds(figure: go.Figure, line: StudyLine) -> None:
    """A thin curve for every seed; none for a reference, nor where the only seed is the mean."""
    if line.thin or len(line.seeds) < 2:
        return
    for seed, points in line.seeds:
        figure.add_scatter(
            x=[point.epoch for point in points],
            y=[100 * point.test_accuracy for point in points],
            name=line.label,
            mode="lines" if len(points) > 1 else "markers",
            line=dict(color=translucent(line.style.color, 0.5), width=1, dash=line.style.dash),
            marker=dict(symbol=f"{line.style.marker.removesuffix('-open')}-open", size=6),
            legendgroup=line.label,
            showlegend=False,
            hovertemplate=_("<b>{name}</b>, seed {seed}, epoch %{{x}}", name=line.label, seed=seed)
            + "<br>%{y:.2f} %<extra></extra>",
        )


def _add_published(figure: go.Figure, line: StudyLine) -> None:
    """Somebody else's run, as crosses on a faint line."""
    if not line.published:
        return
    alone = not line.seeds
    figure.add_scatter(
        x=list(range(1, len(line.published) + 1)),
        y=[100 * value for value in line.published],
        name=_("{name}, published run", name=line.label) if alone else _("its published run"),
        mode="lines+markers",
        line=dict(color=line.style.color, width=0.7, dash="dash"),
        marker=dict(symbol="x-thin", size=7, line=dict(color=line.style.color, width=1.5)),
        legendgroup=line.label,
        showlegend=alone,
        hovertemplate=_(
            "<b>{name}</b>, published run<br>epoch %{{x}}: %{{y:.2f}} %", name=line.label
        )
        + "<extra></extra>",
    )
