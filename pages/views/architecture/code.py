"""The Architecture page's Code view: the network as PyTorch code, and as torchinfo prints it."""

from __future__ import annotations

import streamlit as st

from core.language import _
from core.report.names import file_name
from core.specs import ModelSpec
from core.zoo.own import is_own
from pages.views.app.prose import caption
from pages.views.app.with_torch import code_of, summary_of
from pages.views.architecture.views import SUMMARY_KEY


def code_view(spec: ModelSpec) -> None:
    """torchinfo's text, folded; the code, and its download."""
    _summary(spec)
    caption(
        _("The file that it is in, as it is now.")
        if is_own(spec.arch)
        else _(
            "The network as configured, in PyTorch, without the lab: the same layers under the"
            " same names, so that parameters trained here load there."
        )
    )
    code = code_of(spec)
    st.download_button(
        _("Code as .py"),
        code.encode(),
        file_name=f"{file_name(spec)}.py",
        mime="text/x-python",
        on_click="ignore",
        icon=":material/download:",
        key="net_code_file",
    )
    st.code(code, language="python")


def _summary(spec: ModelSpec) -> None:
    """Its text, asked for when it is unfolded, and why its multiply-adds are not ours."""
    fold = st.expander(
        _("What torchinfo prints"), key=SUMMARY_KEY, on_change="rerun", bind="query-params"
    )
    if not fold.open:
        return
    with fold:
        caption(
            _(
                "Printed by [torchinfo](https://github.com/TylerYep/torchinfo) from the same"
                " network; its multiply-adds also count biases and BatchNorm, ours do not:"
                " *Explain*, *Other counters* takes the difference apart."
            )
        )
        st.code(summary_of(spec), language=None)
