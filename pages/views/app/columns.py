"""Columns that several tables have."""

from __future__ import annotations

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig


def share_column(help_text: str, label: str | None = None) -> ColumnConfig:
    """A bar from 0 to 100 %; the cells hold percent."""
    return st.column_config.ProgressColumn(
        label, format="%.1f %%", min_value=0, max_value=100, color="blue", help=help_text
    )
