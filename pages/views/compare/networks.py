"""Which networks the Compare page holds: in its address, and for this visit in the session."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.specs import ModelSpec

FIRST = "alexnet/1/224/1/10|vgg11/1/224/1/10"  # Q2: why is VGG slower and bigger?
KEY = "compared_networks"


def compared() -> str:
    """The networks as the address holds them, else those of this visit, else the first two."""
    held = st.query_params.get("networks")
    if held is None:
        held = st.session_state.get(KEY, FIRST)
    st.session_state[KEY] = held
    return str(held)


def as_address(specs: Sequence[ModelSpec]) -> str:
    """The networks in one line."""
    return "|".join(spec.to_text() for spec in specs)


def networks_with(spec: ModelSpec) -> str:
    """Those of this visit and `spec`."""
    known = str(st.session_state.get(KEY, FIRST)).split("|")
    text = spec.to_text()
    return "|".join([*(one for one in known if one and one != text), text])
