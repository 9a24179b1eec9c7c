"""The overview's end: the newest runs, live while one goes on, and the newest studies."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from core.jobs.store import JobState, Run, StudyKind, UnreadableJob
from core.language import _
from pages.views.app.live import live, progress_bar
from pages.views.app.messages import escaped
from pages.views.app.services import start_waiting_workers, store
from pages.views.app.watched import Progress, Watched
from pages.views.runs.other_jobs import unreadable_view
from pages.views.runs.table import run_table

_RUNS, _STUDIES = 8, 4  # that are listed
_NAME = "newest"
_EVERY_SECONDS = 2.0

_State = tuple[int, list[Run | UnreadableJob]]  # runs that are not over; the newest


def newest_runs() -> None:
    """The table, or how to start a first run."""
    if store().has_waiting():
        start_waiting_workers()  # a job of an earlier server goes on
    watched = Watched(
        _NAME,
        _read,
        is_over=lambda state: not state[0],
        stage=_stage,
        progress=_progress,
        every_seconds=_EVERY_SECONDS,
    )
    live(watched, _show)


def newest_studies() -> None:
    """A link to each; nothing without one."""
    studies = store().studies(StudyKind.VARIANTS, _STUDIES)
    if not studies:
        return
    st.header(_("Newest studies"), anchor=False)
    with st.container(gap="xxsmall"):
        for study in studies:
            st.page_link(
                "pages/residual.py", label=escaped(study.title), query_params={"study": study.id}
            )


def _read() -> _State:
    return store().unfinished(), store().listed(limit=_RUNS)


def _running(state: _State) -> list[Run]:
    return [run for run in state[1] if isinstance(run, Run) and run.state is JobState.RUNNING]


def _stage(state: _State) -> tuple[Hashable, ...]:
    """Changes when one comes or ends, and with each epoch."""
    return state[0], *(run.stage if isinstance(run, Run) else run.id for run in state[1])


def _progress(state: _State) -> Progress:
    running = _running(state)
    shares = [run.progress.fraction if run.progress else 0.0 for run in running]
    waiting = state[0] - len(running)
    told = _("{running} under way", running=len(running))
    if waiting > 0:
        told = _("{running} under way, {waiting} waiting", running=len(running), waiting=waiting)
    return sum(shares) / max(1, len(shares)), told


def _show(state: _State) -> None:
    """How far the work is, then the table."""
    unfinished, listed = state
    if unfinished:
        progress_bar(_NAME, _progress(state))
    runs = [row for row in listed if isinstance(row, Run)]
    if runs:
        run_table(store(), runs, key="newest")
    else:
        st.info(
            _("No runs yet. “Train it now” starts one that takes about 10 s on this machine."),
            icon=":material/arrow_upward:",
        )
    unreadable_view([row for row in listed if isinstance(row, UnreadableJob)])
