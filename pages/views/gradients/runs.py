"""The choice of finished runs, for what is measured of their parameters."""

from __future__ import annotations

import streamlit as st

from core.jobs.files import has_best
from core.jobs.store import JobState, Run
from core.report.names import seeded_title
from pages.views.app.services import store

_OFFERED = 200


def choose_runs(label: str, key: str, most: int, help_text: str) -> list[Run]:
    """Finished runs whose best parameters are here; no box where there are none."""
    known = {
        run.id: run
        for run in store().runs(limit=_OFFERED)
        if run.state is JobState.FINISHED and has_best(run)
    }
    if not known:
        return []
    chosen = st.multiselect(
        label,
        list(known),
        format_func=lambda run_id: seeded_title(known[run_id]),
        max_selections=most,
        key=key,
        help=help_text,
    )
    return [known[run_id] for run_id in chosen]
