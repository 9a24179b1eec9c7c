"""A number in a box, as Architecture and Calculators show their results."""

from __future__ import annotations

import streamlit as st

_WIDTH = 174  # pixels


def metric_card(label: str, value: str, explanation: str, note: str | None) -> None:
    """One number; below it a note, such as its unit or what share of another number it is."""
    st.metric(
        label,
        value,
        note,
        delta_color="off",
        delta_arrow="off",
        help=explanation,
        border=True,
        width=_WIDTH,
    )
