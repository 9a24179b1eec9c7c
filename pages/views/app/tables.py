"""A table on the page: headings are English, marked by `N_`, and translated here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.language import _


def table(
    frame: pd.DataFrame, *, column_config: Mapping[str, Any] | None = None, **shown: Any
) -> Any:
    """As `st.dataframe`, with the reader's headings; `column_config`, by the English ones, says how
    a column is shown, and another heading only where that depends on more than its word.
    """
    return st.dataframe(
        frame.rename(columns=_),
        column_config={_(name): config for name, config in (column_config or {}).items()},
        hide_index=True,
        **shown,
    )
