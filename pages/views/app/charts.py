"""A figure on the page, by a small part of plotly.js that comes with the lab.

It is a quarter of what st.plotly_chart loads, and changes in place: zoom, legend and hover outlive
a redraw, also of one each second.
"""

from __future__ import annotations

import plotly.graph_objects as go
import plotly.io
import streamlit as st

from pages.views.app.browser_files import FOLDER, component_script

plotly.io.templates.default = None  # chart.js has the colors of the page; figures stay small
_DEFAULT_HEIGHT = 450  # pixels, Plotly's own

_chart = st.components.v2.component(
    "lab_chart",
    html='<div class="chart"></div>',
    css=".chart { width: 100%; } .chart:fullscreen { background: var(--st-background-color); }",
    js=component_script(FOLDER / "chart.js", plotly=FOLDER / "plotly.min.js"),
    isolate_styles=False,
)


def chart(figure: go.Figure, key: str, toolbar: bool = True) -> None:
    """Draw the figure at its own height, as wide as there is room."""
    height = figure.layout.height or _DEFAULT_HEIGHT
    _chart(
        key=key,
        data={
            "figure": plotly.io.to_json(figure, validate=False),
            "height": height,
            "name": key,
            "toolbar": toolbar,
        },
        height=height,
    )
