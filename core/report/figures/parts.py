"""Bars of what a network reaches without each of its parts. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.inside.parts_records import MissingParts
from core.language import _
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND, finish_layer_rows
from core.report.figures.palette import BLUE, GREEN, RED
from core.report.sentences.parts import BECOMES, NOUNS

_MOST_ROWS = 60  # bars that are drawn one below the other, with their names


def missing_bars(result: MissingParts) -> go.Figure:
    """A bar for each part, a line for the whole network and one for guessing; in %."""
    part = _(NOUNS[result.level])
    names = [one.name for one in result.missing]
    values = [100 * one.accuracy for one in result.missing]
    lies = len(names) <= _MOST_ROWS
    places = names if lies else list(range(len(names)))
    figure = go.Figure()
    figure.add_bar(
        x=values if lies else places,
        y=places if lies else values,
        orientation="h" if lies else "v",
        name=_("without this {part}", part=part),
        marker=dict(color=BLUE),
        customdata=[
            (one.name, _(BECOMES[one.becomes]), formats.percent(one.accuracy), f"{one.loss:.3f}")
            for one in result.missing
        ],
        hovertemplate=_(
            "without <b>%{customdata[0]}</b>: %{customdata[2]}<br>%{customdata[1]}<br>"
            "loss %{customdata[3]}"
        )
        + "<extra></extra>",
    )
    for label, share, color, dash in (
        (_("whole network"), result.accuracy, GREEN, "solid"),
        (_("guessing"), 1 / result.classes, RED, "dash"),
    ):
        line = dict(color=color, dash=dash, width=2)
        _add_line(figure, 100 * share, line, lies)
        figure.add_scatter(  # the line's name
            x=[None],
            y=[None],
            mode="lines",
            line=line,
            name=_("{line}, {accuracy}", line=label, accuracy=formats.percent(share)),
        )
    title = _("Accuracy without each {part}", part=part)  # the finding stands above
    axis = dict(title=_("accuracy over the test images"), ticksuffix=" %", range=[0, 100])
    if lies:
        finish_layer_rows(figure, names, title, str(axis["title"]))
        figure.update_layout(
            xaxis=axis, height=210 + 24 * len(names), margin=dict(t=86, b=116, r=40)
        )
    else:
        figure.update_layout(
            title=title,
            xaxis=dict(title=_("{part}, by number", part=part)),
            yaxis=axis,
            height=460,
            margin=dict(t=86, b=48, l=8, r=8),
            legend=FOOT_LEGEND,
        )
    return figure


def _add_line(figure: go.Figure, value: float, line: dict[str, object], lies: bool) -> None:
    """Across all bars, at this accuracy."""
    along = dict(x0=value, x1=value, y0=0, y1=1, yref="paper")
    across = dict(y0=value, y1=value, x0=0, x1=1, xref="paper")
    figure.add_shape(type="line", line=line, **(along if lies else across))
