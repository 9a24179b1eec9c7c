"""The numbers behind a chart as a table, folded away."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.language import _


def numbers(key: str, table: Callable[[], None]) -> None:
    """`table()` once a reader unfolds it: until then nobody computes, sends or loads a table.

    The address keeps under `key` whether it is open.
    """
    fold = st.expander(
        _("Numbers"), icon=":material/table:", key=key, on_change="rerun", bind="query-params"
    )
    if fold.open:
        with fold:
            table()
