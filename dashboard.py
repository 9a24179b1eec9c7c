"""The overview: what this is, where to start, the newest runs."""

from __future__ import annotations

import streamlit as st

from pages.views.app.frame import page_frame
from pages.views.overview.start_cards import start_cards

with page_frame(
    "CNN Architecture Lab",
    "Builds convolutional networks, takes them apart layer by layer and trains short runs, so that"
    " questions about them are answered with evidence.",
):
    start_cards()
    st.subheader("Newest runs", anchor=False)
    # Imported here: on a new server the database library takes seconds, the cards come before it.
    from pages.views.overview.newest_runs import newest_runs

    newest_runs()
