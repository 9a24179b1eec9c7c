"""Download buttons: the file is made on the click, not before."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.report.tables.csv import to_csv


def download_csv(label: str, make: Callable[[], pd.DataFrame], name: str, key: str) -> None:
    """A button that downloads the frame as CSV, UTF-8 with the mark that spreadsheets look for."""
    st.download_button(
        label,
        lambda: to_csv(make()).encode("utf-8-sig"),
        file_name=name,
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=key,
    )
