"""What else the store holds: measurements, and rows that this lab cannot read."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.jobs.files import delete_runs
from core.jobs.store import Measurement, UnreadableJob
from core.language import N_, _, ngettext
from core.measure.requests import REQUESTS
from core.report import formats
from pages.views.app.services import store
from pages.views.app.tables import table
from pages.views.people.ownership import only_owner
from pages.views.runs.delete import delete_button
from pages.views.runs.table import STATE_SIGNS

_LISTED = 100  # the newest measurements


def _title(job: Measurement) -> str:
    """What was measured; the bare kind where it is one of a newer lab."""
    return _(REQUESTS[job.kind].title) if job.kind in REQUESTS else job.kind


def unreadable_view(rows: Sequence[UnreadableJob]) -> None:
    """Each broken row with its reason, and the way to get rid of them; nothing without any."""
    if not rows:
        return
    st.warning(
        _("Some rows of the store cannot be read; the others are not touched by that."),
        icon=":material/broken_image:",
    )
    frame = pd.DataFrame(
        {
            N_("run"): [row.id for row in rows],
            N_("state"): [_(row.state) for row in rows],
            N_("why"): [row.reason for row in rows],
        }
    )
    table(frame, height="content", key="runs_unreadable")
    ids = [row.id for row in rows]
    delete_button(
        "runs_delete_unreadable",
        ngettext(
            "{number:,} row that cannot be read", "{number:,} rows that cannot be read", len(ids)
        ),
        [_("run {run}: {reason}", run=row.id, reason=row.reason) for row in rows],
        _("These rows and their epochs are removed."),
        lambda: delete_runs(store(), ids),
        reason_against=only_owner(*rows),
    )


def measurements_view() -> None:
    """The measurements that somebody asked for, folded away; nothing without any."""
    jobs = store().measurements(_LISTED)
    if not jobs:
        return
    with st.expander(_("Measurements ({number})", number=len(jobs)), key="runs_measurements"):
        picked = _pick(jobs)
        going = [job.id for job in picked if not job.state.is_over]
        ids = [job.id for job in picked]
        reason = only_owner(*picked)
        with st.container(horizontal=True):
            if going and st.button(
                ngettext("Stop {number:,} measurement", "Stop {number:,} measurements", len(going)),
                key="runs_stop_measurements",
                icon=":material/stop:",
                disabled=reason is not None,
                help=reason or _("What they know so far stays."),
            ):
                store().request_stop(going)
                st.rerun()
            if ids:
                delete_button(
                    "runs_delete_measurements",
                    ngettext("{number:,} measurement", "{number:,} measurements", len(ids)),
                    [f"{job.id}: {_title(job)}" for job in picked],
                    _("They can be measured again."),
                    lambda: store().delete(ids),
                    reason_against=reason,
                )


def _pick(jobs: Sequence[Measurement]) -> list[Measurement]:
    """The table, and the rows that the reader has ticked."""
    frame = pd.DataFrame(
        {
            N_("number"): [job.id for job in jobs],
            N_("what"): [_title(job) for job in jobs],
            N_("state"): [_(STATE_SIGNS[job.state]) for job in jobs],
            N_("done"): [100 * (job.fraction if not job.state.is_over else 1.0) for job in jobs],
            N_("duration (s)"): [job.seconds for job in jobs],
            N_("message"): [job.message for job in jobs],
        }
    )
    if not any(frame["message"]):
        del frame["message"]
    event = table(
        frame,
        height="content",
        key=f"runs_measurements_{'_'.join(str(job.id) for job in jobs)}",
        column_config={
            "done": st.column_config.NumberColumn(format="%.0f %%"),
            "duration (s)": st.column_config.NumberColumn(format="%.1f"),
        },
        placeholder=formats.NOTHING,
        on_select="rerun",
        selection_mode="multi-row",
    )
    return [jobs[index] for index in event["selection"]["rows"] if index < len(jobs)]
