"""The names of lines at their ends where there is room, else a legend.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core.report.text_width import pixels

_GLYPHS = {  # of Plotly's markers, as text: a name beside its line shows the line's marker
    "circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "cross": "✚", "x": "✖",
    "star": "★", "pentagon": "⬟",
    "circle-open": "○", "square-open": "□", "diamond-open": "◇", "triangle-up-open": "△",
    "cross-open": "✢", "x-open": "✕", "star-open": "☆", "pentagon-open": "⬠",
}  # fmt: skip
_LINE = 16  # pixels between two names
_LETTER = 6.3  # pixels, of a Latin letter on average
_AWAY = 22  # pixels from the end of a line to its name


@dataclass(frozen=True)
class LineEnd:
    """Where a line ends, and what is written there."""

    text: str
    x: float
    y: float  # as the axis counts: of a log axis the power of ten
    color: str
    marker: str


def name_line_ends(
    figure: go.Figure,
    ends: Sequence[LineEnd],
    y_range: tuple[float, float],
    plot_height: float,
    at_start: bool = False,
) -> None:
    """Write each line's name at its right end, or left of its start; no two meet.

    `y_range` is that of the axis, `plot_height` the pixels between its ends. Names to the right
    get a margin; left of a start the figure's x axis must have room. The legend that is there
    stays for pages too narrow for names: chart.js takes `layout.meta.narrow` there.
    """
    low, high = y_range
    scale = plot_height / ((high - low) or 1.0)
    in_order = sorted(ends, key=lambda end: end.y, reverse=True)
    wanted = [scale * (high - end.y) for end in in_order]  # pixels from the top
    places = spread(wanted, _LINE, plot_height)
    figure.update_layout(
        annotations=[
            dict(
                x=end.x, y=end.y, text=_named(end), ax=-_AWAY if at_start else _AWAY,
                ay=place - wish, xanchor="right" if at_start else "left", yanchor="middle",
                showarrow=True,
                arrowhead=0, arrowwidth=1, arrowcolor=end.color, standoff=5, borderpad=1,
            )
            for end, wish, place in zip(in_order, wanted, places, strict=True)
        ],
        showlegend=False,
    )  # fmt: skip
    on_narrow_pages(figure, annotations=[], showlegend=True, margin=dict(r=8))
    if not at_start:
        figure.update_layout(margin_r=names_width(ends))


def names_width(ends: Sequence[LineEnd]) -> int:
    """Pixels that the longest name takes, with its distance from the line."""
    longest = max((pixels(end.text, _LETTER) for end in ends), default=0.0)
    return round(_AWAY + 24 + longest)


def _named(end: LineEnd) -> str:
    """The line's marker in its color, then the name in the page's."""
    glyph = _GLYPHS.get(end.marker, "●")
    return f'<span style="color:{end.color}">{glyph}</span> {end.text}'


def spread(wanted: Sequence[float], least: float, room: float) -> list[float]:
    """Places as near as can be to those wanted, in the same order, and `least` apart.

    Within 0 and `room`, as long as so many fit.
    """
    groups: list[list[float]] = []  # neighbors that touch stand together: the sum of wishes, count
    for index, wish in enumerate(wanted):
        groups.append([wish - least * index, 1.0])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            last = groups.pop()
            groups[-1] = [groups[-1][0] + last[0], groups[-1][1] + last[1]]
    most = room - least * (len(wanted) - 1)
    places: list[float] = []
    for group in groups:
        start = max(0.0, min(most, _mean(group)))
        places += [start + least * (len(places) + step) for step in range(int(group[1]))]
    return places


def _mean(group: Sequence[float]) -> float:
    return group[0] / group[1]


def on_narrow_pages(figure: go.Figure, **layout: Any) -> None:
    """What of the layout is another on a narrow page, such as a range."""
    meta = dict(figure.layout.meta or {})
    figure.update_layout(meta=dict(narrow=meta.get("narrow", {}) | layout))
