"""The overview's table of the newest runs."""

from __future__ import annotations

import streamlit as st

from core.jobs.store import Run, UnreadableJob
from pages.views.app.services import start_waiting_workers, store
from pages.views.runs.other_jobs import unreadable_view
from pages.views.runs.table import run_table

_NEWEST = 8  # rows


def newest_runs() -> None:
    """The table, or how to start a first run."""
    listed = store().listed(limit=_NEWEST)
    runs = [row for row in listed if isinstance(row, Run)]
    if store().has_waiting():
        start_waiting_workers()  # a job of an earlier server goes on
    if runs:
        run_table(store(), runs, key="newest")
    else:
        st.info(
            "No runs yet. “Train in 10 seconds” starts one that takes about 10 s on this machine.",
            icon=":material/arrow_upward:",
        )
    unreadable_view([row for row in listed if isinstance(row, UnreadableJob)])
