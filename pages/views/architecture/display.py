"""The controls beside a view of layers: which rows, which order of a shape, MACs or FLOPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.analysis.records import Analysis
from core.explain.glossary import explained
from core.language import N_, _
from pages.views.architecture.views import COST, LAYERS, MEMORY_AND_TIME
from pages.views.forms.names import pick_name
from pages.views.forms.row import folded

_WITH_ROWS = (LAYERS, COST, MEMORY_AND_TIME)  # views that show rows of layers
_LEVELS = {
    "block": N_("by block"),
    "weight layer": N_("by weight layer"),
    "module": N_("every module"),
}
_LAYOUTS = {"NCHW": "N×C×H×W", "NHWC": "N×H×W×C"}
_DOMINATES = 0.9  # of a network's MACs and parameters: a block with more is not worth a row
_NHWC = ("NHWC", _LAYOUTS["NHWC"].lower())  # in the session, and in the address
_LAYOUT, _FRAMEWORKS = "net_layout", "net_frameworks"
_FIRST = "net_first_level"  # in the session: the level that the network before started with

_Unit = Literal["MACs", "FLOPs"]


@dataclass(frozen=True)
class Display:
    """How the layers of a network are shown."""

    level: str = "block"  # a key of LEVELS
    layout: str = "NCHW"  # a key of LAYOUTS
    as_flops: bool = False
    all_columns: bool = False
    in_frameworks: bool = False  # the rows that other frameworks print, instead of the table

    @property
    def unit(self) -> _Unit:
        """What multiply-adds are counted in."""
        return "FLOPs" if self.as_flops else "MACs"


def choose_display(view: str, analysis: Analysis) -> Display:
    """The controls that this view has; the others keep their defaults."""
    if view not in _WITH_ROWS:
        return Display()
    with st.container(horizontal=True, vertical_alignment="bottom", key="net_display"):
        if view == LAYERS and _asked_for(_FRAMEWORKS) in (True, "true"):
            _choose_form()
            return Display(in_frameworks=True)
        level = _choose_level(analysis)
        as_flops = view in (LAYERS, COST) and st.toggle(
            _("FLOPs instead of MACs"),
            key="net_flops",
            bind="query-params",
            help=explained("FLOPs"),
        )
        all_columns = view == LAYERS and st.toggle(
            _("All columns"),
            key="net_columns",
            bind="query-params",
            help=_(
                "Also inputs, shares, element-wise operations, the backward pass, and what is"
                " kept for it. The CSV always has them."
            ),
        )
        layout = _choose_form() if view == LAYERS else Display.layout
    return Display(level, layout, as_flops, all_columns)


def _asked_for(key: str) -> object:
    """What a control shows, or, before it is first drawn, what the address says."""
    if key in st.session_state:
        return st.session_state[key]
    return str(st.query_params.get(key, "")).lower()


def _choose_level(analysis: Analysis) -> str:
    """What one row is."""
    first = _first_level(analysis)
    before = st.session_state.get(_FIRST, first)
    if before != first and st.session_state.get("net_level") == before:
        st.session_state["net_level"] = first  # nobody has chosen: another network, its own rows
    st.session_state[_FIRST] = first
    return pick_name(
        _("Rows"),
        _LEVELS,
        first,
        "net_level",
        help=_(
            "A weight layer's row includes what follows it, such as ReLU and pooling, so every"
            " choice adds up to the same totals."
        ),
    )


def _first_level(analysis: Analysis) -> str:
    """By block, unless one block is nearly the whole network, such as a ViT's encoder."""
    totals = analysis.totals
    for row in analysis.rows("block"):
        is_most = row.macs > _DOMINATES * totals.macs and row.params > _DOMINATES * totals.params
        if is_most and len(analysis.layers) > 1:
            return "weight layer"
    return "block"


def _choose_form() -> str:
    """Folded: in which order a shape's numbers stand, and whether as other frameworks print it."""
    shown = _LAYOUTS["NHWC" if _asked_for(_LAYOUT) in _NHWC else "NCHW"]
    if _asked_for(_FRAMEWORKS) in (True, "true"):
        shown = _("Rows in other frameworks")
    with folded("net_form", shown):
        layout = pick_name(
            _("Shapes"), _LAYOUTS, Display.layout, _LAYOUT, help=explained("NCHW", "NHWC")
        )
        st.toggle(
            _("Rows in other frameworks"),
            key=_FRAMEWORKS,
            bind="query-params",
            help=_(
                "Which of our layers stand in one row where the chapters print the network with"
                " PyTorch, MXNet or Keras."
            ),
        )
    return layout
