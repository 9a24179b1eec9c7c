"""The work under way, below the menu of every page: how much, how far, and the way to it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.jobs.store import JobState, Run, RunFilter
from core.language import _
from core.specs import LabError
from pages.views.app.live import follow, progress_bar
from pages.views.app.messages import escaped
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
        try:
            work = _read()
        except LabError as error:  # in full a page says it, which needs the store
            with _badge():
                st.caption(_("Runs cannot be read now."), help=escaped(str(error)))
            return
        if watched.is_over(work):
            return
        with _badge():
            progress_bar(_NAME, _progress(work))
            st.page_link("pages/runs.py", label=_("Show it"), icon=":material/list_alt:")
            follow(watched, work)

    drawn()


def _badge() -> DeltaGenerator:
    return st.container(key="work_badge", gap="xxsmall")


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
