"""A figure on the page, by a small part of plotly.js that comes with the lab.

It is a quarter of what st.plotly_chart loads, and changes in place: zoom, legend and hover outlive
a redraw, also of one each second.
"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import plotly.io
import streamlit as st

from core.language import _, language
from core.report.browser.files import LOOK, PLOTLY
from core.report.browser.words import plotly_words
from core.report.figures.axes import add_to_title
from core.report.figures.palette import DARK
from pages.views.app.browser_files import FOLDER, component_script

plotly.io.templates.default = None  # chart.js has the colors of the page; figures stay small
_DEFAULT_HEIGHT = 450  # pixels, Plotly's own

_chart = st.components.v2.component(
    "lab_chart",
    html='<div class="chart"></div>',
    css=".chart { width: 100%; } .chart:fullscreen { background: var(--st-background-color); }",
    js=component_script(FOLDER / "chart.js", plotly=PLOTLY, look=LOOK),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Drawing:
    """A figure as the browser gets it; one that many look at is made once."""

    json: str
    height: int  # pixels

    @classmethod
    def of(cls, figure: go.Figure | Drawing) -> Drawing:
        """At the figure's own height."""
        if isinstance(figure, Drawing):
            return figure
        text = plotly.io.to_json(figure, validate=False)
        return cls(text, figure.layout.height or _DEFAULT_HEIGHT)


def chart(
    figure: go.Figure | Drawing,
    key: str,
    toolbar: bool = True,
    about: str = "",
    name: str | None = None,
    narrow: go.Figure | Drawing | None = None,
) -> None:
    """Draw the figure at its own height, as wide as there is room.

    `narrow` takes its place where there is little room, on a phone; it has the same height.
    `about` is told below its title: the run or network that the picture is of. `name` is that of
    the file of a downloaded picture, without its ending.
    """
    if about and isinstance(figure, go.Figure):
        add_to_title(figure, about)
        if isinstance(narrow, go.Figure):
            add_to_title(narrow, about)
    drawing = Drawing.of(figure)
    _chart(
        key=key,
        data={
            "figure": drawing.json,
            "narrow": Drawing.of(narrow).json if narrow else None,
            "height": drawing.height,
            "name": name or key,
            "toolbar": toolbar,
            "spoken": {"language": language(), "words": plotly_words()},
            "wholeScreen": _("Whole screen; Esc ends it"),
            "dark": DARK,
        },
        height=drawing.height,
    )
