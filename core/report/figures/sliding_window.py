"""Which pixels a sliding window reads: kernel, stride, padding. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.explain.calculators import SlidingWindow
from core.language import N_, _
from core.report.figures.axes import finish
from core.report.figures.palette import BLUE, ORANGE, TINTS

_PADDING_GRAY = "#BDBDBD"  # seen on white and on dark grounds
MAX_CELLS = 40  # that a narrow screen can show
PADDING, PIXEL, UNREAD, TAP = range(4)  # what a cell of the picture is
_CELLS = {
    PADDING: (N_("padding"), _PADDING_GRAY),
    PIXEL: (N_("pixel"), TINTS[2]),
    UNREAD: (N_("pixel never read"), ORANGE),
    TAP: (N_("read by the window"), BLUE),
}
_MOST_AT_AN_END = 3  # window positions


def window_picture(window: SlidingWindow) -> go.Figure:
    """The window on one row of the input; where its cells are too many, how often each is read."""
    count = _positions_at_an_end(window)
    cells = _shown_cells(window, count)
    if len(cells) > MAX_CELLS:
        return _read_counts(window)
    last = window.output_side
    return _window_cells(window, sorted({*range(count), *range(last - count, last)}), cells)


def _positions_at_an_end(window: SlidingWindow) -> int:
    """Window positions to draw at each end of the row: as many as fit, at most three."""
    room = (MAX_CELLS - 1 - window.remainder) // 2 - window.effective_kernel
    return max(1, min(_MOST_AT_AN_END, window.output_side, 1 + room // window.stride))


def _shown_cells(window: SlidingWindow, count: int) -> list[int | None]:
    """Cells of the padded row that `count` positions at each end need; None where some are left
    out between the ends.
    """
    everything: list[int | None] = list(range(window.padded_side))
    left_stop = window.taps(count - 1)[-1] + 1
    right_start = window.taps(window.output_side - count)[0]
    if window.padded_side <= MAX_CELLS or right_start <= left_stop:
        return everything
    return [*everything[:left_stop], None, *everything[right_start:]]


def _window_cells(
    window: SlidingWindow, positions: Sequence[int], cells: Sequence[int | None]
) -> go.Figure:
    """The row of cells, and under it the cells that the window reads at each position."""
    reads = window.reads()
    kinds: list[list[int | None]] = [[_kind_of(window, cell, reads) for cell in cells]]
    hover = [[_cell_text(window, cell, reads) for cell in cells]]
    for position in positions:
        taps = set(window.taps(position))
        kinds.append([TAP if cell in taps else None for cell in cells])
        hover.append(
            [
                _("output pixel {number} reads {pixel}", number=position + 1, pixel=text)
                for text in hover[0]
            ]
        )
    figure = go.Figure(
        go.Heatmap(
            z=kinds,
            zmin=0,
            zmax=len(_CELLS) - 1,
            colorscale=_stepped([color for __, color in _CELLS.values()]),
            showscale=False,
            xgap=2 if len(cells) <= 24 else 1,
            ygap=4,
            hoverongaps=False,
            text=[["✕" if kind == UNREAD else "" for kind in row] for row in kinds],
            texttemplate="%{text}",  # says without color what is never read
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    for kind in sorted({kind for row in kinds for kind in row if kind is not None}):
        _add_key(figure, *_CELLS[kind])
    names = [
        _("input"),
        *(_("output {number}", number=position + 1) for position in positions),
    ]
    finish(figure, _row_title(window), 140 + 26 * len(names))
    ticks, labels = _cell_ticks(window, cells)
    bare = dict(showgrid=False, zeroline=False)
    figure.update_xaxes(title=_("pixel of the input row"), tickvals=ticks, ticktext=labels, **bare)
    figure.update_xaxes(range=[-0.6, len(cells) - 0.4])
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, **bare)
    figure.update_yaxes(range=[len(names) - 0.4, -0.6])
    return figure


def _row_title(window: SlidingWindow) -> str:
    """What the picture of a window shows."""
    return _(
        "One row: {before} px in, {after} px out", before=window.side, after=window.output_side
    )


def _kind_of(window: SlidingWindow, cell: int | None, reads: Sequence[int]) -> int | None:
    """What a cell of the padded row is; None for those left out."""
    if cell is None:
        return None
    pixel = cell - window.padding
    if not 0 <= pixel < window.side:
        return PADDING
    return PIXEL if reads[pixel] else UNREAD


def _cell_text(window: SlidingWindow, cell: int | None, reads: Sequence[int]) -> str:
    """`pixel 3, read twice in this row`; empty for the cells left out."""
    if cell is None:
        return ""
    pixel = cell - window.padding
    if not 0 <= pixel < window.side:
        return _("padding")
    return _("pixel {number} (read {times} × in this row)", number=pixel + 1, times=reads[pixel])


def _cell_ticks(
    window: SlidingWindow, cells: Sequence[int | None]
) -> tuple[list[int], list[int | str]]:
    """Where the axis has a mark and what stands there: a few pixels counted from 1, and the gap."""
    every = max(1, len(cells) // 8)
    ticks: list[int] = []
    labels: list[int | str] = []
    for position, cell in enumerate(cells):
        pixel = None if cell is None else cell - window.padding + 1
        if pixel is None:
            ticks.append(position)
            labels.append("…")
        elif pixel in (1, window.side) or (
            1 < pixel < window.side - every // 2 and (pixel - 1) % every == 0
        ):
            ticks.append(position)
            labels.append(pixel)
    return ticks, labels


def _stepped(colors: Sequence[str]) -> list[tuple[float, str]]:
    """A color scale without transitions, one color for each whole number from 0."""
    scale = []
    for index, color in enumerate(colors):
        scale += [(index / len(colors), color), ((index + 1) / len(colors), color)]
    return scale


def _add_key(figure: go.Figure, name: str, color: str) -> None:
    """A square in the legend; heat maps have none of their own."""
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker=dict(symbol="square", size=12, color=color),
        name=_(name),
        hoverinfo="skip",
    )


def _read_counts(window: SlidingWindow) -> go.Figure:
    """How many positions of the window read each pixel of one row."""
    reads = window.reads()
    figure = go.Figure()
    figure.add_bar(
        x=list(range(1, window.side + 1)),
        y=reads,
        width=1,
        name=_("read"),
        marker=dict(color=_CELLS[TAP][1], line=dict(width=0)),
        hovertemplate=_("pixel %{x}: read %{y} ×") + "<extra></extra>",
    )
    unread = [pixel for pixel, count in enumerate(reads, start=1) if not count]
    if unread:
        name, color = _CELLS[UNREAD]
        figure.add_scatter(
            x=unread,
            y=[0] * len(unread),
            mode="markers",
            marker=dict(symbol="x", color=color, size=8),
            cliponaxis=False,
            name=_(name),
            hovertemplate=_("{name}: {amount}", name="%{x}", amount=_(name)) + "<extra></extra>",
        )
    finish(figure, _row_title(window), 300)
    figure.update_layout(bargap=0, showlegend=bool(unread))
    figure.update_xaxes(title=_("pixel of the input row"), range=[0.5, window.side + 0.5])
    figure.update_yaxes(title=_("times read"), rangemode="tozero", tickformat="d", nticks=6)
    return figure
