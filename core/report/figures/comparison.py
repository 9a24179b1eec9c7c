"""Several networks side by side: what they cost, and what that buys. Imports no torch.

Each figure comes twice, for wide and for narrow places: where names do not fit beside the marks,
numbers stand there and a key below tells what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from math import ceil, log10
from statistics import fmean
from typing import TypeVar

import plotly.graph_objects as go

from core.language import _
from core.report import formats
from core.report.figures.axes import WideAndNarrow, key_legend, log_axis, set_title
from core.report.figures.labels import (
    NARROW,
    WIDE,
    Mark,
    Plot,
    annotation,
    best_labels,
    numbered,
)
from core.report.figures.palette import GRAY
from core.report.text_width import letters

_TOP, _PLOT, _FOOT = 52, 330, 56  # pixels of the title, the plot and the axis below it
_SMALLEST, _LARGEST = 12, 40  # pixels of a mark
_ROOM = 0.12  # of an axis that stays free at each end
_KEY_LINE, _KEY_LETTERS = 20, 21  # pixels of a key's line; letters of a name in two columns


_Point = TypeVar("_Point")


@dataclass(frozen=True)
class CostPoint:
    """What one network costs."""

    label: str
    color: str
    params: int
    macs: int  # an image
    memory: int  # bytes to train a batch


@dataclass(frozen=True)
class AccuracyPoint:
    """What the runs of one network under one condition have reached."""

    label: str
    color: str
    macs: int  # an image
    memory: int  # bytes to train a batch
    accuracies: tuple[float, ...]  # best test accuracy of each run, as a fraction
    guesses: bool = False  # whether they are no better than guessing

    @property
    def mean(self) -> float:
        """Over the runs."""
        return fmean(self.accuracies)


def cost_scatter(points: Sequence[CostPoint]) -> WideAndNarrow:
    """MACs against parameters, marks by training memory.

    The dashed line is the Pareto front: no other network has both fewer MACs and fewer parameters.
    """
    costs = [(point.params, point.macs) for point in points]
    front = [cost for cost in costs if not any(_dominates(other, cost) for other in costs)]
    figure = go.Figure(_front(front))
    sizes = _sizes([point.memory for point in points])
    for point, size in _largest_first(points, sizes):
        figure.add_scatter(
            x=[point.params],
            y=[point.macs],
            mode="markers",
            marker=dict(color=point.color, size=size, opacity=0.8),
            cliponaxis=False,
            hovertemplate=_(
                "<b>{name}</b><br>{params:,} parameters<br>{macs:,} MACs<br>{memory} to train a"
                " batch",
                name=escape(point.label),
                params=point.params,
                macs=point.macs,
                memory=formats.mebibytes(point.memory),
            )
            + "<extra></extra>",
            showlegend=False,
        )
    x, y = ([log10(max(1, cost[at])) for cost in costs] for at in (0, 1))
    figure.update_layout(
        xaxis=_log_axis(_("parameters (log)"), [point.params for point in points]),
        yaxis=_log_axis(_("MACs an image (log)"), [point.macs for point in points]),
    )
    both = _named(figure, [(p.label, p.color) for p in points], x, y, sizes)
    for drawn in both:
        set_title(
            drawn,
            _("MACs against parameters"),
            _("size: training memory; dashed: Pareto front"),
        )
    return both


def accuracy_scatter(points: Sequence[AccuracyPoint], condition: str) -> WideAndNarrow:
    """Accuracy against MACs: the mean over the runs, a bar from the lowest to the highest.

    `condition` is what all of the runs share, in words. Marks by training memory. The dashed line
    is the Pareto front: no other network is as accurate with fewer MACs; one that guesses is never
    on it.
    """
    front = [
        (point.macs, 100 * point.mean)
        for point in points
        if not point.guesses
        and not any(
            _dominates((other.macs, -other.mean), (point.macs, -point.mean)) for other in points
        )
    ]
    figure = go.Figure(_front(front))
    sizes = _sizes([point.memory for point in points])
    for point, size in _largest_first(points, sizes):
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
            mode="markers",
            marker=dict(color=point.color, size=size, opacity=0.8),
            cliponaxis=False,
            hovertemplate=_(
                "<b>{name}</b><br>{macs:,} MACs an image<br>{percent:.2f} % ({runs})<br>{memory} to"
                " train a batch",
                name=escape(point.label),
                macs=point.macs,
                percent=100 * point.mean,
                runs=_runs_text(point.accuracies),
                memory=formats.mebibytes(point.memory),
            )
            + "<extra></extra>",
            showlegend=False,
        )
    best = max(points, key=lambda point: point.mean)
    figure.update_layout(
        xaxis=_log_axis(_("MACs an image (log)"), [point.macs for point in points]),
        yaxis=dict(
            title=_("best test accuracy (%)"),
            range=_range([100 * value for point in points for value in point.accuracies], 1.0),
        ),
    )
    x = [log10(max(1, point.macs)) for point in points]
    y = [100 * point.mean for point in points]
    both = _named(figure, [(p.label, p.color) for p in points], x, y, sizes)
    for drawn in both:
        title = _(
            "Most accurate: {name}, {accuracy}",
            name=best.label,
            accuracy=formats.percent(best.mean),
        )
        set_title(drawn, title, condition)
    return both


def _runs_text(accuracies: Sequence[float]) -> str:
    """How many runs a mean is of, and how far they lie apart."""
    if len(accuracies) == 1:
        return _("1 run")
    low, high = formats.points(min(accuracies)), formats.points(max(accuracies))
    return _("{count} runs, {low} to {high}", count=len(accuracies), low=low, high=high)


def _front(front: Iterable[tuple[float, float]]) -> go.Scatter:
    """The dashed line of those that no other beats."""
    ordered = sorted(front)
    return go.Scatter(
        x=[x for x, _ in ordered],
        y=[y for _, y in ordered],
        mode="lines",
        line=dict(color=GRAY, dash="dash", width=1),
        hoverinfo="skip",
        showlegend=False,
    )


def _dominates(cost: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether `cost` is no larger than `other` in both numbers and smaller in one."""
    return cost != other and cost[0] <= other[0] and cost[1] <= other[1]


def _sizes(memories: Sequence[int]) -> list[float]:
    """Pixels across of the marks, whose areas grow with the memory."""
    largest = max(memories, default=1) or 1
    return [_SMALLEST + (_LARGEST - _SMALLEST) * (memory / largest) ** 0.5 for memory in memories]


def _largest_first(points: Sequence[_Point], sizes: Sequence[float]) -> list[tuple[_Point, float]]:
    """So that no mark hides a smaller one."""
    return sorted(zip(points, sizes, strict=True), key=lambda pair: -pair[1])


def _range(values: Sequence[float], least: float) -> list[float]:
    """Of an axis that holds `values` with room for names; it spans `least` at least."""
    low, high = min(values), max(values)
    room = max(_ROOM * (high - low), (least - (high - low)) / 2)
    return [low - room, high + room]


def _log_axis(title: str, values: Sequence[int]) -> dict[str, object]:
    logs = [log10(max(1, value)) for value in values]
    return log_axis(values) | dict(title=title, range=_range(logs, 0.7))


# Names beside the marks ----------------------------------------------------------------------


def _named(
    figure: go.Figure,
    names: Sequence[tuple[str, str]],
    x: Sequence[float],
    y: Sequence[float],
    sizes: Sequence[float],
) -> WideAndNarrow:
    """The figure with names and, narrow, with numbers and their key where names do not fit.

    `names` are texts and colors; `x` and `y` are where the marks are on the axes.
    """
    marks = _marks(figure, [text for text, _ in names], x, y, sizes)
    key = _key_height([text for text, _ in names])
    if all(best_labels(marks, _plot(figure, widths, _PLOT)) for widths in (WIDE, NARROW)):
        key = 0
    both = WideAndNarrow(go.Figure(figure), go.Figure(figure))
    for drawn, widths in zip(both, (WIDE, NARROW), strict=True):
        needs_key = _add_names(drawn, marks, widths, (x, y), key)
        if needs_key:
            _add_key(drawn, names)
        drawn.update_layout(
            height=_TOP + _PLOT + _FOOT + key,
            margin=dict(t=_TOP, b=_FOOT + (key if needs_key else 0), l=8, r=12),
        )
    return both


def _add_names(
    figure: go.Figure,
    marks: Sequence[Mark],
    widths: Sequence[int],
    at: tuple[Sequence[float], Sequence[float]],
    key: int,
) -> bool:
    """Names beside the marks; whether they had to be numbers, for whose key there is room."""
    labels = best_labels(marks, _plot(figure, widths, _PLOT + key))
    texts = [mark.text for mark in marks]
    needs_key = labels is None
    if labels is None:
        texts = [str(number) for number in range(1, len(marks) + 1)]
        labels = numbered(
            [replace(mark, text=text) for mark, text in zip(marks, texts, strict=True)],
            _plot(figure, widths, _PLOT),
        )
    figure.update_layout(
        annotations=[
            annotation(label, text, x, y)
            for label, text, x, y in zip(labels, texts, *at, strict=True)
        ]
    )
    return needs_key


def _share(figure: go.Figure, x: float, y: float) -> tuple[float, float]:
    """Of the plot's width and height, from its upper left corner."""
    (left, right), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range
    return (x - left) / (right - left), (top - y) / (top - bottom)


def _plot(figure: go.Figure, widths: Sequence[int], height: int) -> Plot:
    """With the dashed line, which is the first of the figure."""
    front = figure.data[0]
    y_log = figure.layout.yaxis.type == "log"
    path = [
        _share(figure, log10(max(1, x)), log10(max(1, y)) if y_log else y)
        for x, y in zip(front.x, front.y, strict=True)
    ]
    return Plot(widths, height, path)


def _marks(
    figure: go.Figure,
    texts: Sequence[str],
    x: Sequence[float],
    y: Sequence[float],
    sizes: Sequence[float],
) -> list[Mark]:
    return [
        Mark(*_share(figure, px, py), size / 2, text)
        for px, py, size, text in zip(x, y, sizes, texts, strict=True)
    ]


def _key_columns(texts: Sequence[str]) -> int:
    return 2 if max(map(letters, texts), default=0) <= _KEY_LETTERS else 1


def _key_height(texts: Sequence[str]) -> int:
    """Pixels of the key below a narrow figure, whether it is needed or not."""
    return _KEY_LINE * ceil(len(texts) / _key_columns(texts)) + 8


def _add_key(figure: go.Figure, names: Sequence[tuple[str, str]]) -> None:
    """What the numbers beside the marks stand for."""
    for number, (text, color) in enumerate(names, start=1):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker=dict(color=color, size=9),
            name=f"{number} {escape(text)}",
            hoverinfo="skip",
        )
    figure.update_layout(legend=key_legend(_key_columns([text for text, _ in names])))
