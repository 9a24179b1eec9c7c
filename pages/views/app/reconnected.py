"""A page whose connection was lost and is there again is drawn anew, by whichever server it is."""

from __future__ import annotations

import streamlit as st

from pages.views.app.browser_files import FOLDER, component_script

_watcher = st.components.v2.component(
    "lab_reconnected", js=component_script(FOLDER / "reconnected.js"), isolate_styles=False
)


def drawn_anew_when_reconnected() -> None:
    """To be called outside of fragments: the whole page is what is drawn."""
    _watcher(key="reconnected", on_connection_change=lambda: None, height="content")
