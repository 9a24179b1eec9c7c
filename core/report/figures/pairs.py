"""Every pair of a study's variants: who is ahead of whom, and by how much. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.language import _
from core.report import formats
from core.report.figures.line_ends import on_narrow_pages
from core.report.figures.palette import NEGATIVE, POSITIVE
from core.report.text_width import wrapped
from core.studies.statistics import Comparison

_LIGHT = 0.55  # of white in the strongest color: black letters stay readable
_CELL, _LABEL = 48, 16  # pixels a row; letters of a line of a name
_NARROW_ROW, _NARROW_LABEL = 30, 10  # letters, on a phone: of all columns, and of one at least


def pair_matrix(pairs: Sequence[Comparison], titles: Sequence[str]) -> go.Figure:
    """Row minus column in points; colored where the two can be told apart."""
    signed = {}
    for pair in pairs:
        if pair.difference is not None:
            signed[pair.first, pair.second] = pair.difference, pair
            signed[pair.second, pair.first] = -pair.difference, pair
    cells = [[signed.get((row, column)) for column in titles] for row in titles]
    strongest = max((abs(value) for value, __ in signed.values()), default=0.0) or 1.0
    names = ["<br>".join(wrapped(title, _LABEL)) for title in titles]
    figure = go.Figure(
        go.Heatmap(
            z=[[_color_of(cell) for cell in row] for row in cells],
            zmin=-strongest,
            zmax=strongest,
            colorscale=[[0, _lighter(NEGATIVE)], [0.5, "#FFFFFF"], [1, _lighter(POSITIVE)]],
            text=[[_text(cell) for cell in row] for row in cells],
            texttemplate="%{text}",
            textfont=dict(color="#10141A", size=12),
            hovertext=[[_hover(*names) for names in _named(row, titles, cells)] for row in titles],
            hovertemplate="%{hovertext}<extra></extra>",
            hoverongaps=False,
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    places = list(range(len(titles)))
    figure.update_layout(
        title=_("Row minus column, in points<br>colored: can be told apart"),
        xaxis=dict(tickvals=places, ticktext=names, side="bottom", tickangle=0, automargin=True),
        yaxis=dict(tickvals=places, ticktext=names, autorange="reversed", automargin=True),
        height=150 + _CELL * len(titles),
        margin=dict(t=64, b=8, l=8, r=8),
    )
    narrow = max(_NARROW_LABEL, _NARROW_ROW // max(1, len(titles)))
    short = ["<br>".join(wrapped(title, min(_LABEL, narrow))) for title in titles]
    on_narrow_pages(figure, xaxis=dict(ticktext=short))
    return figure


_Cell = tuple[float, Comparison] | None


def _color_of(cell: _Cell) -> float | None:
    if cell is None:
        return None
    return cell[0] if cell[1].is_decided else 0.0


def _text(cell: _Cell) -> str:
    if cell is None:
        return ""
    text = formats.signed_points(cell[0])
    return f"<b>{text}</b>" if cell[1].is_decided else text


def _named(
    row: str, titles: Sequence[str], cells: Sequence[Sequence[_Cell]]
) -> list[tuple[str, str, _Cell]]:
    line = cells[list(titles).index(row)]
    return [(row, column, cell) for column, cell in zip(titles, line, strict=True)]


def _hover(row: str, column: str, cell: _Cell) -> str:
    if cell is None:
        return ""
    verdict = _("can be told apart") if cell[1].is_decided else _("cannot be told apart")
    points = _("{points} points", points=formats.signed_points(cell[0]))
    return f"<b>{row} − {column}</b><br>{points}<br>{verdict}"


def _lighter(color: str) -> str:
    """Mixed with white."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(p + (255 - p) * _LIGHT):02X}" for p in parts)
