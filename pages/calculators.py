"""Small sums that need no network: the 1×1 bottleneck, kernel and stride, stacked 3×3."""

from __future__ import annotations

import streamlit as st

from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.head import Head
from pages.views.calculators.bottleneck import bottleneck_calculator
from pages.views.calculators.stack import stack_calculator
from pages.views.calculators.window import window_calculator

_CALCULATORS = {
    "1×1 bottleneck": bottleneck_calculator,
    "Output size": window_calculator,
    "Stacked 3×3": stack_calculator,
}


def _page(head: Head) -> None:
    """The picker, then the calculator; each has its numbers in a row above what they change."""
    name = st.segmented_control(
        "Calculator",
        list(_CALCULATORS),
        default="1×1 bottleneck",
        key="calc_tool",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    _CALCULATORS[name](head)


with (
    page_frame(
        "Calculators", "Small sums with any numbers: what a convolution costs, what size it leaves."
    ) as head,
    address_checked(),
):
    _page(head)
