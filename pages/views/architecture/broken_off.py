"""A network whose forward pass fails, as far as it ran."""

from __future__ import annotations

import streamlit as st

from core.analysis.broken_off import ForwardError
from core.language import _
from core.report.sentences.broken_off import how_far
from pages.views.app.messages import escaped, show_error
from pages.views.app.network_picture import network_picture
from pages.views.architecture.display import Display
from pages.views.architecture.layer_table import layer_table


def broken_off_error(error: ForwardError) -> None:
    """The sentence; Python's traceback, which is long, is folded."""
    sentence, _gap, traceback = str(error).partition("\n\n")
    show_error(sentence)
    if traceback:
        with st.expander(_("Python's traceback"), icon=":material/code:"):
            st.code(traceback, language=None, wrap_lines=True)


def broken_off_view(error: ForwardError) -> None:
    """What ran, as a graph and a table; the last row is what failed."""
    st.header(_("As far as it ran"))
    st.markdown(escaped(how_far(error)))
    if error.partial.layers:
        network_picture(error.partial, "net_broken")
        layer_table(error.partial.layers, error.partial, Display())
