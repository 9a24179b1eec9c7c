"""The controls beside a view of layers: which rows, which order of a shape, MACs or FLOPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.explain.glossary import explained

_WITH_ROWS = ("Layers", "Cost", "Memory", "Time")  # views that show rows of layers
_LEVELS = {"block": "by block", "weight layer": "by weight layer", "module": "every module"}
_LAYOUTS = {"NCHW": "N×C×H×W", "NHWC": "N×H×W×C"}

_Unit = Literal["MACs", "FLOPs"]


@dataclass(frozen=True)
class Display:
    """How the layers of a network are shown."""

    level: str = "block"  # a key of LEVELS
    layout: str = "NCHW"  # a key of LAYOUTS
    as_flops: bool = False
    in_frameworks: bool = False  # the rows that other frameworks print, instead of the table

    @property
    def unit(self) -> _Unit:
        """What multiply-adds are counted in."""
        return "FLOPs" if self.as_flops else "MACs"


def choose_display(view: str) -> Display:
    """The controls that this view has; the others keep their defaults."""
    if view not in _WITH_ROWS:
        return Display()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        of_table = st.container(horizontal=True, width="content", vertical_alignment="bottom")
        if view == "Layers" and _choose_frameworks():
            return Display(in_frameworks=True)
    with of_table:
        level = _choose_level()
        layout = _choose_layout() if view == "Layers" else Display.layout
        as_flops = view in ("Layers", "Cost") and st.toggle(
            "FLOPs instead of MACs",
            key="net_flops",
            bind="query-params",
            help=explained("FLOPs"),
        )
    return Display(level, layout, as_flops)


def _choose_level() -> str:
    """What one row is."""
    return str(
        st.segmented_control(
            "Rows",
            list(_LEVELS),
            default=Display.level,
            format_func=_LEVELS.__getitem__,
            key="net_level",
            bind="query-params",
            required=True,
            help="A weight layer's row includes what follows it, such as ReLU and pooling, so"
            " every choice adds up to the same totals.",
        )
    )


def _choose_layout() -> str:
    """In which order the numbers of a shape stand."""
    return str(
        st.segmented_control(
            "Shapes",
            list(_LAYOUTS),
            default=Display.layout,
            format_func=_LAYOUTS.__getitem__,
            key="net_layout",
            bind="query-params",
            required=True,
            help=explained("NCHW", "NHWC"),
        )
    )


def _choose_frameworks() -> bool:
    """Whether to show how other frameworks print the same layers."""
    return st.toggle(
        "Rows in other frameworks",
        key="net_frameworks",
        bind="query-params",
        help="Which of our layers stand in one row where the chapters print the network with"
        " PyTorch, MXNet or Keras.",
    )


def control_label(key: str, value: object) -> str | None:
    """How the control with this key shows `value`; None where it shows the value itself."""
    return {"net_level": _LEVELS, "net_layout": _LAYOUTS}.get(key, {}).get(str(value))
