"""The Architecture page's Code view: the network as PyTorch code that needs no lab."""

from __future__ import annotations

import streamlit as st

from core.report.names import file_name
from core.specs import ModelSpec
from core.zoo.own import is_own
from pages.views.app.prose import caption
from pages.views.app.with_torch import code_of


def code_view(spec: ModelSpec) -> None:
    """The code, and its download."""
    caption(
        "The file that it is in, as it is now."
        if is_own(spec.arch)
        else "The network as configured, in PyTorch, without the lab: the same layers under the"
        " same names, so that parameters trained here load there."
    )
    code = code_of(spec)
    st.download_button(
        "Code as .py",
        code.encode(),
        file_name=f"{file_name(spec)}.py",
        mime="text/x-python",
        on_click="ignore",
        icon=":material/download:",
        key="net_code_file",
    )
    st.code(code, language="python")
