"""What can be done with the runs that are ticked: stop, continue, delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.files import delete_runs
from core.jobs.store import Run
from core.report.names import run_title
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import start_worker, store


def actions(picked: Sequence[Run]) -> None:
    """Stop, continue and delete, each only where it can do something."""
    ids = [run.id for run in picked]
    going = [run.id for run in picked if not run.state.is_over]
    resumable = [run.id for run in picked if run.state.can_go_on]
    with st.container(horizontal=True):
        if st.button(
            "Stop",
            disabled=not going,
            icon=":material/stop:",
            help="Stops the ticked runs after their current step; what they learned stays.",
        ):
            store().request_stop(going)
            st.rerun()
        if st.button(
            "Continue",
            disabled=not resumable,
            icon=":material/play_arrow:",
            help="Puts the ticked runs back into the queue; they go on where they were stopped, in"
            " the middle of an epoch too.",
        ):
            for run_id in resumable:
                store().resume(run_id)
            start_worker()
            st.rerun()
        if st.button(
            "Delete…",
            disabled=not ids,
            icon=":material/delete:",
            help="Removes the ticked runs, their curves and their files; asks once.",
        ):
            _confirm_delete(picked)


@st.dialog("Delete these runs?")
def _confirm_delete(picked: Sequence[Run]) -> None:
    """Name what goes, ask once."""
    for run in picked:
        st.markdown(f"- run {escaped(run_title(run))}")
    st.write("Their curves and their saved parameters are removed. This cannot be undone.")
    if st.button("Delete", type="primary", icon=":material/delete:"):
        with errors_in_one_sentence():
            delete_runs(store(), [run.id for run in picked])
            st.rerun()
