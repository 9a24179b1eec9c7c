"""Download buttons: the file is made on the click, not before."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.report.tables.csv import to_csv


def download_csv(label: str, make: Callable[[], pd.DataFrame], name: str, key: str) -> None:
    """A button that downloads the frame as CSV, UTF-8 with the mark that spreadsheets look for."""
    download_file(label, lambda: to_csv(make()).encode("utf-8-sig"), name, key, "text/csv")


def download_file(
    label: str,
    make: Callable[[], bytes],
    name: str,
    key: str,
    mime: str = "application/octet-stream",
) -> None:
    """A button that downloads what `make` gives, in a thread of its own: it must not draw."""
    st.download_button(
        label,
        make,
        file_name=name,
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        key=key,
    )
