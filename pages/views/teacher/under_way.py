"""Who runs what, and who is next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd
import streamlit as st

from core.jobs.store import JobState, Measurement, Run, RunFilter
from core.language import N_, _, ngettext, paragraph
from core.measure.requests import REQUESTS
from core.report import formats
from core.report.names import network_title
from pages.views.app.language import in_this_language
from pages.views.app.live import live
from pages.views.app.services import store
from pages.views.app.tables import table
from pages.views.app.watched import Watched
from pages.views.people.ownership import owner_names
from pages.views.runs.table import STATE_SIGNS

_LISTED = 50  # jobs that wait
_EVERY_SECONDS = 3.0

_State = tuple[list[Run], list[Run | Measurement], int]  # goes on; is next, in turn; waits in all


def under_way_view() -> None:
    """Live while anything goes on or waits."""
    watched = Watched(
        "class", _read, lambda state: not any(state), _stage, every_seconds=_EVERY_SECONDS
    )
    live(watched, _show)


def _read() -> _State:
    running = store().listed(RunFilter(states=(JobState.RUNNING,)))
    waiting = store().waiting(limit=_LISTED)
    queued = store().count(RunFilter(states=(JobState.QUEUED,)))
    return [run for run in running if isinstance(run, Run)], waiting, queued


def _stage(state: _State) -> tuple[Hashable, ...]:
    running, waiting, queued = state
    return *(run.stage for run in running), *(job.id for job in waiting), queued


def _show(state: _State) -> None:
    running, waiting, queued = state
    if not running and not queued and not waiting:
        st.caption(_("Nobody runs anything now."))
        return
    st.caption(_told(running, waiting, queued))
    jobs = [*running, *(job for job in waiting if job.state is JobState.QUEUED)]
    if jobs:
        table(
            _frame(jobs),
            height="content",
            key="class_under_way",
            column_config={
                "job": st.column_config.LinkColumn(display_text=r"run=(\d+)", width=56),
                "done": st.column_config.NumberColumn(format="%.0f %%", width=72),
            },
            placeholder=formats.NOTHING,
        )


def _told(running: Sequence[Run], waiting: Sequence[Run | Measurement], queued: int) -> str:
    """How many go on and wait, and how many of those their owners' quotas hold back."""
    held = queued - sum(isinstance(job, Run) for job in waiting)
    return paragraph(
        ngettext("{number:,} run goes on.", "{number:,} runs go on.", len(running)),
        ngettext("{number:,} run waits.", "{number:,} runs wait.", queued),
        _("Listed in the order in which they are taken: people take turns, small runs first."),
        _("The others come later, or wait until their owners may run more.") if held > 0 else "",
    )


def _frame(jobs: Sequence[Run | Measurement]) -> pd.DataFrame:
    names = owner_names()
    return pd.DataFrame(
        {
            N_("job"): [_link(job) for job in jobs],
            N_("whose"): [names.get(job.owner, "") for job in jobs],
            N_("what"): [_what(job) for job in jobs],
            N_("state"): [_(STATE_SIGNS[job.state]) for job in jobs],
            N_("done"): [100 * job.fraction for job in jobs],
        }
    )


def _link(job: Run | Measurement) -> str:
    """The address of a run's record; a measurement has none."""
    return in_this_language(f"train?run={job.id}") if isinstance(job, Run) else ""


def _what(job: Run | Measurement) -> str:
    if isinstance(job, Run):
        return network_title(job.spec.model)
    return _(REQUESTS[job.kind].title) if job.kind in REQUESTS else job.kind
