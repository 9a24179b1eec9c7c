"""Controls beside each other above what they change, and those that are seldom set, folded."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_Number = TypeVar("_Number", int, float)


def form_row(name: str) -> DeltaGenerator:
    """As many beside each other as there is room for: two on a phone."""
    return st.container(key=f"row_{name}", horizontal=True, vertical_alignment="bottom")


def folded(name: str, what_is_set: str, in_popover: bool = False) -> AbstractContextManager[object]:
    """Controls that are seldom set; the fold says what is set, such as `1 channel, 10 classes`."""
    if in_popover:  # which takes no second one
        return st.expander(what_is_set)
    return st.popover(what_is_set, key=f"fold_{name}", icon=":material/tune:")


def shown_number(key: str, default: _Number) -> _Number:
    """What a control shows, or will show once it is drawn: the address has been read by then."""
    value = st.session_state.get(key, st.query_params.get(key, default))
    try:
        return type(default)(value)
    except ValueError:
        return default
