"""A figure on the page, by a small part of plotly.js that comes with the lab.

It is a quarter of what st.plotly_chart loads, and changes in place: zoom, legend and hover outlive
a redraw, also of one each second.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache

import plotly.graph_objects as go
import plotly.io
import streamlit as st

from core.language import _, language
from core.report.browser.files import LOOK, PLOTLY
from core.report.browser.words import plotly_words
from core.report.figures.axes import WideAndNarrow, add_to_title
from core.report.figures.palette import DARK
from pages.views.app.browser_files import FOLDER, component_script

plotly.io.templates.default = None  # chart.js has the colors of the page; figures stay small
_DEFAULT_HEIGHT = 450  # pixels, Plotly's own
_KEPT_DRAWINGS = 256  # some 10 KiB each: most look at the same

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
    narrow: str | None = None  # another in its place where there is little room, on a phone

    @classmethod
    def of(cls, figure: go.Figure | WideAndNarrow | Drawing) -> Drawing:
        """At the figure's own height."""
        if isinstance(figure, Drawing):
            return figure
        wide, narrow = figure if isinstance(figure, WideAndNarrow) else (figure, None)
        height = wide.layout.height or _DEFAULT_HEIGHT
        return cls(_json(wide), height, None if narrow is None else _json(narrow))


def _json(figure: go.Figure) -> str:
    return str(plotly.io.to_json(figure, validate=False))


def drawn(make: Callable[..., go.Figure | WideAndNarrow], *about: Hashable) -> Drawing:
    """`make(*about)`, drawn once for all who look at it in this language."""
    return _drawn(make, about, language())


@lru_cache(maxsize=_KEPT_DRAWINGS)
def _drawn(
    make: Callable[..., go.Figure | WideAndNarrow], about: tuple[Hashable, ...], spoken: str
) -> Drawing:
    return Drawing.of(make(*about))


def chart(
    figure: go.Figure | WideAndNarrow | Drawing,
    key: str,
    toolbar: bool = True,
    about: str = "",
    name: str | None = None,
) -> None:
    """Draw the figure at its own height, as wide as there is room.

    `about` is told below its title: the run or network that the picture is of. `name` is that of
    the file of a downloaded picture, without its ending.
    """
    if about and isinstance(figure, go.Figure):
        add_to_title(figure, about)
    drawing = Drawing.of(figure)
    _chart(
        key=key,
        data={
            "figure": drawing.json,
            "narrow": drawing.narrow,
            "height": drawing.height,
            "name": name or key,
            "toolbar": toolbar,
            "spoken": {"language": language(), "words": plotly_words()},
            "wholeScreen": _("Whole screen; Esc ends it"),
            "dark": DARK,
        },
        height=drawing.height,
    )
