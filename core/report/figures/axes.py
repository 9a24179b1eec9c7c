"""Titles, axes and legends that several figures share. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import log10
from typing import Any, NamedTuple

import plotly.graph_objects as go

from core.language import _
from core.report import formats
from core.report.text_width import wrapped

# At the lower edge of the picture, where it cannot meet the axis title however many rows it has
_TITLE_WIDTH, _TITLE_LINE = 46, 20  # letters and pixels of a line of a title, on a phone too
_NAME_ALONE = 1200  # pixels: more than half of any plot, so that no second one has room
FOOT_LEGEND = dict(orientation="h", yref="container", yanchor="bottom", y=0)


class WideAndNarrow(NamedTuple):
    """A figure for each kind of page; both have the same height."""

    wide: go.Figure
    narrow: go.Figure


def key_legend(columns: int = 1) -> dict[str, Any]:
    """A legend that is a key: at the foot of the picture, one name a line or two.

    Two share the plot's width, which one name alone may be wider than.
    """
    wide = dict(entrywidthmode="fraction", entrywidth=0.99 / columns)
    alone = dict(entrywidthmode="pixels", entrywidth=_NAME_ALONE)
    return dict(
        orientation="h",
        xref="container",
        yref="container",
        yanchor="bottom",
        y=0,
        x=0.02,
        itemclick=False,
        itemdoubleclick=False,
        **(wide if columns > 1 else alone),
    )


def with_share(amount: str, share: str) -> str:
    """`12.5 MiB (40.3 %)`: of what is pointed at."""
    return _("{amount} ({share})", amount=amount, share=share)


def finish(figure: go.Figure, title: str, height: int) -> None:
    """Title, height in pixels, and the legend at the foot."""
    figure.update_layout(
        title=title,
        height=height,
        margin=dict(t=48, b=92, l=8, r=8),
        yaxis=dict(automargin=True),
        legend=dict(
            orientation="h", yref="container", y=0, yanchor="bottom", x=0, traceorder="normal"
        ),
    )


def set_title(figure: go.Figure, title: str, about: str = "") -> None:
    """A title in as many lines as it takes; the figure has room for one above its plot.

    What it is `about` stands in further lines below.
    """
    lines = wrapped(title, _TITLE_WIDTH) or [""]
    room = _TITLE_LINE * (len(lines) - 1)
    figure.update_layout(
        title=f"<b>{'<br>'.join(map(escape, lines))}</b>",
        margin_t=(figure.layout.margin.t or 0) + room,
        height=(figure.layout.height or 0) + room if figure.layout.height else None,
    )
    if about:
        add_to_title(figure, about)


def add_to_title(figure: go.Figure, about: str) -> None:
    """A further line below the title, wrapped; the figure grows by what that takes."""
    lines = wrapped(about.replace(" px", "\N{NO-BREAK SPACE}px"), _TITLE_WIDTH)
    title = "<br>".join([figure.layout.title.text or "", *map(escape, lines)])
    room = _TITLE_LINE * len(lines)
    figure.update_layout(
        title=title,
        margin_t=(figure.layout.margin.t or 0) + room,
        height=(figure.layout.height or 0) + room if figure.layout.height else None,
    )


def finish_layer_rows(figure: go.Figure, paths: Sequence[str], title: str, x_title: str) -> None:
    """Of horizontal bars, one row a layer or block, the first at the top."""
    figure.update_layout(
        title=title,
        barmode="relative",  # stacks, to the left where values are negative
        height=150 + 24 * len(paths),
        margin=dict(t=64, b=86, l=8, r=8),
        legend=dict(
            orientation="h", yref="container", y=0, yanchor="bottom", x=0, traceorder="normal"
        ),
        xaxis=dict(title=x_title, rangemode="tozero"),
        yaxis=dict(
            autorange="reversed",
            categoryorder="array",
            categoryarray=list(paths),
            tickmode="linear",
            automargin=True,
        ),
    )


def finish_epochs(
    figure: go.Figure, title: str, y_title: str, epochs: int = 1, first: float = 0.8
) -> None:
    """Of curves by epoch, with room from `first` to this many epochs; the legend below the axis."""
    figure.update_layout(
        title=title,
        xaxis=dict(title=_("epoch"), dtick=max(1, epochs // 10), range=[first, epochs + 0.2]),
        yaxis=dict(title=y_title),
        height=380,
        margin=dict(t=56, b=48, l=8, r=8),
        hovermode="closest",
        legend=dict(orientation="h", yanchor="top", y=-0.2),
    )


def log_axis(values: Iterable[float]) -> dict[str, object]:
    """Type, range and readable ticks of a log axis that holds `values` with room for labels."""
    logs = [log10(value) for value in values if value > 0] or [0.0]
    low, high = min(logs) - 0.35, max(logs) + 0.35
    steps = [m * 10**e for e in range(int(low) - 1, int(high) + 2) for m in (1, 2, 5)]
    ticks = [tick for tick in steps if low <= log10(tick) <= high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if str(tick)[0] == "1"]
    return dict(
        type="log",
        range=[low, high],
        tickvals=ticks,
        ticktext=[formats.short(tick) for tick in ticks],
    )
