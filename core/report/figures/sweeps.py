"""A quantity over a slider's or an option's whole range, a line a network. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10
from typing import Any, TypeGuard

import plotly.graph_objects as go

from core.language import _
from core.report.figures.axes import WideAndNarrow, key_legend, log_axis, set_title
from core.report.text_width import letters, pixels
from core.specs import OptionValue

_TOP, _PLOT, _FOOT = 52, 330, 60  # pixels of the title, the plot and the axis below it
_TICKS_APART = 0.14  # of the axis, or their labels would meet on a narrow screen
_LONGEST = 36  # letters of a name that a line can end in
_LETTER, _LINE, _KEY_LINE = (
    7,
    16,
    20,
)  # pixels of a Latin letter, of a line of text and of one of a key


@dataclass(frozen=True)
class SweepLine:
    """One network over a slider's range: what it is called, where, how much."""

    label: str
    color: str
    marker: str
    x: Sequence[OptionValue]
    y: Sequence[float]


def _slope(line: SweepLine) -> float | None:
    """The exponent of y ∝ x^slope, by least squares on logarithms; None of fewer than 2 points."""
    pairs = [
        (log10(x), log10(y))
        for x, y in zip(line.x, line.y, strict=True)
        if is_number(x) and x > 0 and y > 0
    ]
    if len(pairs) < 2:
        return None
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread


def is_number(value: OptionValue) -> TypeGuard[float]:
    """Whether it has a place on an axis of numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def word(value: OptionValue) -> str:
    """`on`, `off`, a number, a word."""
    return str(value) if not isinstance(value, bool) else _("on") if value else _("off")


def sweep_chart(lines: Sequence[SweepLine], x_title: str, y_title: str) -> WideAndNarrow:
    """A quantity over a whole range on log axes; each line ends in its name and its slope.

    In a narrow place lines end in a number and the slope, and a key has the names. Values that are
    no numbers stand side by side.
    """
    both = WideAndNarrow(_lines(lines, x_title), _lines(lines, x_title))
    slopes = [_slope(line) for line in lines]
    is_long = any(letters(line.label) > _LONGEST for line in lines)
    for figure, has_key in zip(both, (is_long, True), strict=True):
        names = [str(n) if has_key else line.label for n, line in enumerate(lines, start=1)]
        ends = [
            name if slope is None else _with_slope(name, slope)
            for name, slope in zip(names, slopes, strict=True)
        ]
        _end_with(figure, lines, ends)
        key = _KEY_LINE * len(lines) + 8
        figure.update_layout(
            xaxis=_x_axis([x for line in lines for x in line.x], x_title),
            yaxis=dict(
                title=_("{quantity} (log)", quantity=y_title),
                **log_axis(y for line in lines for y in line.y),
            ),
            height=_TOP + _PLOT + _FOOT + key,
            margin=dict(
                t=_TOP,
                b=_FOOT + (key if has_key else 0),
                l=8,
                r=24 + max((pixels(end, _LETTER) for end in ends), default=0),
            ),
            showlegend=has_key,  # also of one line
            legend=key_legend(),
        )
        set_title(
            figure,
            _(
                "{quantity} over {setting}",
                quantity=f"{y_title[0].upper()}{y_title[1:]}",
                setting=x_title,
            ),
            _("with each line's slope on these log axes") if any(slopes) else "",
        )
    return both


def _lines(lines: Sequence[SweepLine], x_title: str) -> go.Figure:
    figure = go.Figure()
    for number, line in enumerate(lines, start=1):
        figure.add_scatter(
            x=[x if is_number(x) else word(x) for x in line.x],
            y=list(line.y),
            name=f"{number} {escape(line.label)}",
            mode="lines+markers",
            line=dict(color=line.color),
            marker=dict(symbol=line.marker, size=7),
            hovertemplate=_(
                "<b>{name}</b><br>{setting} %{{x}}: %{{y:,.0f}}",
                name=escape(line.label),
                setting=x_title,
            )
            + "<extra></extra>",
        )
    return figure


def _with_slope(name: str, slope: float) -> str:
    """`VGG-11, slope 1.98`."""
    return _("{name}, slope {slope}", name=name, slope=f"{slope:.2f}".replace("-", "−"))


def _end_with(figure: go.Figure, lines: Sequence[SweepLine], texts: Sequence[str]) -> None:
    """A text at the right of each line's end, apart from the others; thin lines lead to them."""
    shown = [(line, text) for line, text in zip(lines, texts, strict=True) if line.y and text]
    logs = [log10(y) for line in lines for y in line.y if y > 0] or [0.0]
    low, high = min(logs) - 0.35, max(logs) + 0.35  # as log_axis has them
    ends = [log10(line.y[-1]) if line.y[-1] > 0 else low for line, _ in shown]
    wanted = [_PLOT * (high - end) / (high - low) for end in ends]
    for (line, text), end, y, apart in zip(shown, ends, wanted, _apart(wanted), strict=True):
        figure.add_annotation(
            x=_place(line.x[-1], _is_log([x for line in lines for x in line.x])),
            y=end,
            ax=16,
            ay=apart - y,
            showarrow=True,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=line.color,
            standoff=5,
            xanchor="left",
            text=escape(text),
        )


def _place(value: OptionValue, is_log: bool) -> float | str:
    """Where it is on the axis, as annotations are told it."""
    if not is_number(value):
        return word(value)
    return log10(value) if is_log else value


def _apart(wanted: Sequence[float]) -> list[float]:
    """Heights in pixels from the top as near to these as lines of text can stand."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    heights: list[float] = []
    for index in order:
        least = heights[-1] + _LINE if heights else 0.0
        heights.append(max(wanted[index], least))
    limit = float(_PLOT)
    for at in reversed(range(len(heights))):  # those that were pushed out come back up
        heights[at] = min(heights[at], limit)
        limit = heights[at] - _LINE
    placed = dict(zip(order, heights, strict=True))
    return [placed[index] for index in range(len(wanted))]


def _is_log(values: Sequence[OptionValue]) -> bool:
    return all(is_number(x) and x > 0 for x in values)


def _x_axis(values: Sequence[OptionValue], title: str) -> dict[str, Any]:
    """Logarithmic where that can be; its ticks have room for their labels on a narrow screen.

    It ends where the lines end: what they are called stands beside the plot.
    """
    if not all(is_number(x) for x in values):
        return dict(title=title, type="category", range=[-0.3, len(set(map(word, values))) - 0.9])
    numbers = sorted(set(filter(is_number, values)))
    if not _is_log(values) or not numbers:
        return dict(title=title)
    low, high = log10(numbers[0]), log10(numbers[-1])
    ticks: list[float] = []
    for value in numbers:
        if not ticks or value >= 10 ** (_TICKS_APART * (high - low)) * ticks[-1]:
            ticks.append(value)
    room = 0.03 * (high - low) or 0.3
    return dict(
        title=_("{quantity} (log)", quantity=title),
        type="log",
        range=[low - room, high + room],
        tickvals=ticks,
        ticktext=ticks,
    )
