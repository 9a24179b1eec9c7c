"""Which runs are ticked, in the session and in the address: `?ticked=3-5`."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_IN_SESSION = "runs_ticked"
_IN_ADDRESS = "ticked"
_MOST = 50  # that an address names
_LONGEST_NUMBER = 11  # digits of a run's number


def ticked_before() -> Sequence[int]:
    """The numbers of the runs that were ticked, or that the address of a new visit names."""
    if _IN_SESSION in st.session_state:
        ticked: Sequence[int] = st.session_state[_IN_SESSION]
        return ticked
    asked = st.query_params.get(_IN_ADDRESS, "").split("-")[:_MOST]
    return [int(text) for text in asked if _is_number(text)]


def keep_ticked(numbers: Sequence[int]) -> None:
    """For the next drawing, and for whoever gets the address."""
    st.session_state[_IN_SESSION] = list(numbers)
    text = "-".join(map(str, numbers[:_MOST]))
    if text != st.query_params.get(_IN_ADDRESS, ""):
        if text:
            st.query_params[_IN_ADDRESS] = text
        else:
            del st.query_params[_IN_ADDRESS]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
