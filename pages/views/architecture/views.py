"""The views of the Architecture page, and the names that addresses of earlier versions have."""

from __future__ import annotations

import streamlit as st

from core.language import N_, _
from pages.views.architecture.trained_networks import TRAINED
from pages.views.forms.names import pick_name

LAYERS, COST, MEMORY_AND_TIME = N_("Layers"), N_("Cost"), N_("Memory and time")
GRAPH, EXPLAIN, CODE = N_("Graph"), N_("Explain"), N_("Code")
GROWTH, TRAINED_VIEW = N_("Growth"), N_("Trained")
MEMORY, TIME = N_("Memory"), N_("Time")  # parts of one view

_KEY, _PART_KEY, SUMMARY_KEY = "net_view", "net_part", "net_summary"
_ALWAYS = (LAYERS, COST, MEMORY_AND_TIME, GRAPH, EXPLAIN, CODE)
_EARLIER = {MEMORY: MEMORY_AND_TIME, TIME: MEMORY_AND_TIME, "Picture": GRAPH, "Summary": CODE}


def choose_view(arch: str) -> str:
    """The control that picks what stands below the strip."""
    views: tuple[str, ...] = _ALWAYS
    views += (GROWTH,) if arch.startswith("densenet") else ()
    views += (TRAINED_VIEW,) if arch in TRAINED else ()
    _follow_earlier_names()
    return pick_name(
        _("View"),
        {name: name for name in views},
        LAYERS,
        _KEY,
        _EARLIER,
        label_visibility="collapsed",
    )


def _follow_earlier_names() -> None:
    """Where an address names a view that is part of another now: that part is opened."""
    asked = st.query_params.get(_KEY)
    if asked in (MEMORY, TIME):
        st.session_state[_PART_KEY] = asked
    if asked == "Summary":
        st.session_state[SUMMARY_KEY] = True


def choose_part() -> str:
    """Memory, which is counted, or time, which is measured."""
    return pick_name(
        _("Part"),
        {name: name for name in (MEMORY, TIME)},
        MEMORY,
        _PART_KEY,
        label_visibility="collapsed",
    )
