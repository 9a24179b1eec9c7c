"""The bars above the views: how the map shrinks from the image to the classes."""

from __future__ import annotations

import streamlit as st

from core.analysis.records import Analysis
from core.report.figures import network_shape


def shape_flow(analysis: Analysis) -> str | None:
    """Draw the bars; returns the block whose bar was clicked, "image" for the first bar."""
    event = st.plotly_chart(
        network_shape.shape_flow(analysis),
        key="net_flow",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
    )
    points = event["selection"]["points"] if event else []
    return str(points[0]["customdata"][0]) if points and points[0].get("customdata") else None
