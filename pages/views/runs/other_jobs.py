"""What else the store holds: measurements, and rows that this lab cannot read."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.jobs.store import Measurement, UnreadableJob
from core.measure.requests import REQUESTS
from core.report import formats
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.services import store
from pages.views.runs.table import STATE_SIGNS

_LISTED = 100  # the newest measurements


def _title(job: Measurement) -> str:
    """What was measured; the bare kind where it is one of a newer lab."""
    return REQUESTS[job.kind].title if job.kind in REQUESTS else job.kind


def unreadable_view(rows: Sequence[UnreadableJob]) -> None:
    """Each broken row with its reason, and the way to get rid of them; nothing without any."""
    if not rows:
        return
    st.warning(
        "Some rows of the store cannot be read; the others are not touched by that.",
        icon=":material/broken_image:",
    )
    frame = pd.DataFrame(
        {
            "run": [row.id for row in rows],
            "state": [row.state for row in rows],
            "why": [row.reason for row in rows],
        }
    )
    st.dataframe(frame, hide_index=True, height="content", key="runs_unreadable")
    if st.button(
        f"Delete what cannot be read ({len(rows)})",
        key="runs_delete_unreadable",
        icon=":material/delete:",
        help="Removes these rows and their epochs.",
    ):
        with errors_in_one_sentence():
            store().delete([row.id for row in rows])
            st.rerun()


def measurements_view() -> None:
    """The measurements that somebody asked for, folded away; nothing without any."""
    jobs = store().measurements(_LISTED)
    if not jobs:
        return
    with st.expander(f"Measurements ({len(jobs)})", key="runs_measurements"):
        picked = _pick(jobs)
        with st.container(horizontal=True):
            if st.button(
                "Stop",
                key="runs_stop_measurements",
                icon=":material/stop:",
                disabled=all(job.state.is_over for job in picked),
                help="Stops the ticked measurements; what they know so far stays.",
            ):
                store().request_stop([job.id for job in picked])
                st.rerun()
            if st.button(
                "Delete",
                key="runs_delete_measurements",
                icon=":material/delete:",
                disabled=not picked,
                help="Removes the ticked measurements; they can be measured again.",
            ):
                store().delete([job.id for job in picked])
                st.rerun()


def _pick(jobs: Sequence[Measurement]) -> list[Measurement]:
    """The table, and the rows that the reader has ticked."""
    frame = pd.DataFrame(
        {
            "number": [job.id for job in jobs],
            "what": [_title(job) for job in jobs],
            "state": [STATE_SIGNS[job.state] for job in jobs],
            "done": [100 * (job.fraction if not job.state.is_over else 1.0) for job in jobs],
            "duration": [formats.duration(job.seconds) for job in jobs],
            "message": [job.message for job in jobs],
        }
    )
    event = st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key=f"runs_measurements_{'_'.join(str(job.id) for job in jobs)}",
        column_config={"done": st.column_config.NumberColumn(format="%.0f %%")},
        on_select="rerun",
        selection_mode="multi-row",
    )
    return [jobs[index] for index in event["selection"]["rows"] if index < len(jobs)]
