"""What can be done with a whole study: stop, continue, delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.files import delete_study, files_bytes
from core.jobs.store import Run, Study
from core.report import formats
from core.report.names import counted
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import store


def actions(study: Study, runs: Sequence[Run], over: bool) -> None:
    """Each only where it can do something."""
    with st.container(horizontal=True):
        if not over:
            _stop(study, runs)
            return
        _continue(study, runs)
        if st.button(
            "Delete…",
            icon=":material/delete:",
            key="danger_res_delete",
            help="Removes the study with its runs, curves and files; asks once.",
        ):
            _confirm_delete(study, runs)


def _stop(study: Study, runs: Sequence[Run]) -> None:
    """Answers at once; what is left of a step comes to its end."""
    going = [run for run in runs if not run.state.is_over]
    is_asked = all(run.stop_requested for run in going)
    if st.button(
        "Stopping after this step…" if is_asked else "Stop the study",
        icon=":material/stop:",
        key="res_stop",
        disabled=is_asked,
        help="Ends its runs after their current step; what they have learned is kept.",
    ):
        store().stop_study(study.id)
        st.rerun(scope="fragment")


def _continue(study: Study, runs: Sequence[Run]) -> None:
    """Every stopped or failed run, where there are any."""
    ended = [run for run in runs if run.state.can_go_on]
    if ended and st.button(
        f"Continue {counted(len(ended), 'run')}",
        type="primary",
        icon=":material/play_arrow:",
        key="res_continue",
        help="Queues every stopped or failed run again; each goes on where it was.",
    ):
        store().continue_study(study.id)
        st.rerun()


@st.dialog("Delete this study?")
def _confirm_delete(study: Study, runs: Sequence[Run]) -> None:
    """Name what goes, ask once."""
    what = counted(len(runs), "run")
    size = files_bytes(run.id for run in runs)
    with_size = f"{what}, {formats.mebibytes(size)}" if size else what
    st.write(
        f"{escaped(study.title)}: its {what}, their curves and their saved parameters are removed."
        " This cannot be undone."
    )
    with st.container(horizontal=True):
        if st.button(f"Delete {with_size}", icon=":material/delete:", key="danger_res_delete_now"):
            with errors_in_one_sentence():
                delete_study(store(), study.id)
                st.query_params.pop("study", None)
                st.rerun()
        if st.button("Cancel", key="res_delete_cancel"):
            st.rerun()
