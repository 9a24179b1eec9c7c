"""The Architecture page's Summary view: torchinfo's own text."""

from __future__ import annotations

import streamlit as st

from core.specs import ModelSpec
from pages.views.app.prose import caption
from pages.views.app.with_torch import summary_of


def summary_view(spec: ModelSpec) -> None:
    """The text, and why its multiply-adds are not ours."""
    caption(
        "Printed by [torchinfo](https://github.com/TylerYep/torchinfo) from the same network; its"
        " multiply-adds also count biases and BatchNorm, ours do not: *Explain*, *Other counters*"
        " takes the difference apart."
    )
    st.code(summary_of(spec), language=None)
