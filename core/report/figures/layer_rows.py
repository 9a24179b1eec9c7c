"""Horizontal bars, a row a layer or group: the room that they have and their names.

Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import plotly.graph_objects as go

from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.line_ends import on_narrow_pages
from core.report.text_width import pixels

_ROWS_ROOM, _ROW = 640, 24  # pixels: of all rows, and of one at most
_NAME = 24  # characters of a row's name beside its bar; the whole one is told on hover
_LINE = 20  # pixels of a line of the title
THICK = 0.7  # of a bar, in rows
_AIR = 1.3  # an axis is so much longer than its longest bar
_NARROW_PAGE, _LETTER = 320, 7  # pixels: of names and bars on a phone, and of a letter
PANEL, _LEAST_BAR = 0.46, 0.3  # of the plot: one panel of two; of a panel: its longest bar


def lay_out_rows(
    figure: go.Figure, title: str, paths: Sequence[str], marked: Collection[str] = ()
) -> None:
    """Bars whose y is the row's number: the first at the top, together never above 900 pixels.

    The names of those that are `marked` are bold, behind an arrow.
    """
    room = _LINE * len(title.split("<br>"))
    row_height = min(_ROW, _ROWS_ROOM / max(1, len(paths)))
    figure.update_layout(
        title=title,
        height=round(136 + room + row_height * len(paths)),
        margin=dict(t=24 + room, b=96, l=8, r=8),
        legend=dict(**FOOT_LEGEND, x=0, traceorder="normal"),
        yaxis=dict(
            range=[len(paths) - 0.4, -0.6],
            tickvals=list(range(len(paths))),
            ticktext=[_shown_name(path, path in marked) for path in paths],
            showgrid=False,
            zeroline=False,
            automargin=True,
        ),
    )


def from_zero(longest: float, **more: Any) -> dict[str, Any]:
    """An x axis with room for the number at the end of the longest bar."""
    return dict(range=[0, _AIR * longest], zeroline=True, nticks=4, **more)


def make_room_on_narrow_pages(
    figure: go.Figure, longest: float, numbers: Sequence[str], axes: Sequence[str] = ("xaxis",)
) -> None:
    """Another range for x where the longest bar would push its number off a narrow page.

    `numbers` are those at the ends of all bars; `axes` share the plot's width.
    """
    names = max((pixels(name, _LETTER) for name in figure.layout.yaxis.ticktext), default=0)
    plot = (_NARROW_PAGE - names) * PANEL ** (len(axes) > 1)
    bar = plot - max((pixels(number, _LETTER) for number in numbers), default=0)
    share = max(_LEAST_BAR, min(1 / _AIR, bar / plot))
    on_narrow_pages(figure, **{axis: dict(range=[0, longest / share]) for axis in axes})


def number_at_end(texts: Sequence[str]) -> dict[str, Any]:
    """What `add_bar` needs to write these at the ends of its bars."""
    return dict(
        text=texts, textposition="outside", constraintext="none", cliponaxis=False, width=THICK
    )


def _shown_name(path: str, is_marked: bool) -> str:
    """The end of a long path says more than its beginning: `…layer_0.self_attention`."""
    name = path
    if len(path) > _NAME:
        end = path[1 - _NAME :]
        start = re.search(r"[._]", end[: _NAME // 2])  # no word is begun in its middle
        name = f"…{end[start.end() :] if start else end}"
    return f"<b>▶ {name}</b>" if is_marked else name
