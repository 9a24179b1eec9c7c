"""The controls beside a view of layers: which rows, which order of a shape, MACs or FLOPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

WITH_ROWS = ("Layers", "Cost", "Memory", "Time")  # views that show rows of layers
LEVELS = {"block": "by block", "weight layer": "by weight layer", "module": "every module"}
LAYOUTS = {"NCHW": "N×C×H×W", "NHWC": "N×H×W×C"}

Unit = Literal["MACs", "FLOPs"]


@dataclass(frozen=True)
class Display:
    """How the layers of a network are shown."""

    level: str = "block"  # a key of LEVELS
    layout: str = "NCHW"  # a key of LAYOUTS
    as_flops: bool = False

    @property
    def unit(self) -> Unit:
        """What multiply-adds are counted in."""
        return "FLOPs" if self.as_flops else "MACs"


def choose_display(view: str) -> Display:
    """The controls that this view has; the others keep their defaults."""
    if view not in WITH_ROWS:
        return Display()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = choose_level()
        layout = choose_layout() if view == "Layers" else Display.layout
        as_flops = view in ("Layers", "Cost") and st.toggle(
            "FLOPs instead of MACs",
            key="net_flops",
            bind="query-params",
            help="1 MAC = 2 FLOPs.",
        )
    return Display(level, layout, as_flops)


def choose_level() -> str:
    """What one row is."""
    return str(
        st.segmented_control(
            "Rows",
            list(LEVELS),
            default=Display.level,
            format_func=LEVELS.__getitem__,
            key="net_level",
            bind="query-params",
            required=True,
            help="A weight layer's row includes what follows it, such as ReLU and pooling, so"
            " every choice adds up to the same totals.",
        )
    )


def choose_layout() -> str:
    """In which order the numbers of a shape stand."""
    return str(
        st.segmented_control(
            "Shapes",
            list(LAYOUTS),
            default=Display.layout,
            format_func=LAYOUTS.__getitem__,
            key="net_layout",
            bind="query-params",
            required=True,
            help="N images, C channels, H×W pixels: PyTorch's order, or that of Keras.",
        )
    )


def control_label(key: str, value: object) -> str | None:
    """How the control with this key shows `value`; None where it shows the value itself."""
    return {"net_level": LEVELS, "net_layout": LAYOUTS}.get(key, {}).get(str(value))
