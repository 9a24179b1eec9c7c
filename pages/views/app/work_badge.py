"""The work under way, below the menu of every page: how much, how far, and the way to it."""

from __future__ import annotations

import streamlit as st

from core.jobs.store import JobState, Run, RunFilter
from core.language import _
from pages.views.app.live import follow, progress_bar
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.services import store
from pages.views.app.watched import Progress, Watched

_NAME = "work"
_EVERY_SECONDS = 3.0

_Work = tuple[int, int, float]  # runs that go on, runs that wait, share that is done of the former


def work_badge() -> None:
    """Nothing where nothing goes on: a run that is started draws the page anew."""
    watched = Watched(
        _NAME,
        _read,
        is_over=lambda work: not any(work[:2]),
        stage=lambda work: work[:2],
        progress=_progress,
        every_seconds=_EVERY_SECONDS,
    )

    @st.fragment
    def drawn() -> None:
        with errors_in_one_sentence():  # a fragment needs its own
            work = _read()
            if watched.is_over(work):
                return
            with st.container(key="work_badge", gap="xxsmall"):
                progress_bar(_NAME, _progress(work))
                st.page_link("pages/runs.py", label=_("Show it"), icon=":material/list_alt:")
                follow(watched, work)

    drawn()


def _read() -> _Work:
    if not store().unfinished():  # mostly: one question instead of two
        return 0, 0, 0.0
    running = [
        run.progress.fraction if run.progress else 0.0
        for run in store().listed(RunFilter(states=(JobState.RUNNING,)))
        if isinstance(run, Run)
    ]
    waiting = store().count(RunFilter(states=(JobState.QUEUED,)))
    return len(running), waiting, sum(running) / max(1, len(running))


def _progress(work: _Work) -> Progress:
    running, waiting, share = work
    if running and waiting:
        told = _("Training: {running} running, {waiting} waiting", running=running, waiting=waiting)
    elif running:
        told = _("Training: {running} running", running=running)
    elif waiting:
        told = _("Training: {waiting} waiting", waiting=waiting)
    else:
        told = _("Training: done")
    return share, told
