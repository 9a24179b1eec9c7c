"""Something that is measured on demand: a job of the queue, asked for by its request."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from core.jobs.store import JobState, Measurement
from core.language import N_, _
from core.measure.request import Request
from core.measure.requests import REQUESTS
from core.measure.shipped import shipped_result
from pages.views.app.live import live, progress_bar
from pages.views.app.messages import errors_in_one_sentence, show_error
from pages.views.app.offers import waits_in_vain, warn_of_waiting
from pages.views.app.services import start_worker, store
from pages.views.app.watched import Progress, Watched
from pages.views.people.ownership import only_owner

Show = Callable[[dict[str, Any]], None]  # draws the result of a measurement

_LISTED = 50  # the newest measurements, among which what goes on is looked for


def share_measured(job: Measurement) -> str:
    """How far a measurement is, in words."""
    if job.state is JobState.QUEUED:
        return _("Waiting for its turn: one thing is measured at a time…")
    if not job.fraction:
        return _("Starting and warming up…")
    return _("{share:.0%} measured", share=job.fraction)


def measurement(
    request: Request,
    key: str,
    label: str,
    help_text: str,
    show: Show,
    again: str = N_("Measure again"),
    progress_text: Callable[[Measurement], str] = share_measured,
    shows_partial_result: bool = True,
    is_minor: bool = False,
) -> None:
    """A button that queues the measurement; its progress; what was found, drawn by `show`.

    Who asks for the same at the same time shares one job. A minor button does not stand out.
    """

    name = f"measurement-{request.key}"

    def draw(job: Measurement | None) -> None:
        if job is not None and not job.state.is_over:
            start_worker()  # one that died is replaced
            progress_bar(name, progress(job))
            _stop_button(job, key)
            if job.state is JobState.QUEUED:
                warn_of_waiting(job)
                _what_comes_first(job, key)
            if job.result and shows_partial_result:
                show(job.result)
            return
        if job is not None and job.state is JobState.FAILED:
            show_error(job.message)
        elif job is not None and job.state is JobState.STOPPED and job.result:
            st.caption(_("This measurement was stopped before its end."))
        result = job.result if job else None
        known = result or shipped_result(request)
        if st.button(
            _(again) if result else label,
            type="tertiary" if is_minor else "secondary" if result else "primary",
            key=f"{key}_start",
            icon=":material/timer:",
            help=help_text,
        ):
            with errors_in_one_sentence():
                store().enqueue_measurement(request)
                st.rerun()
        if known and not result:
            st.caption(_("Measured before on another machine; it comes with the lab."))
        if known:
            show(known)

    def progress(job: Measurement | None) -> Progress:
        return (job.fraction, progress_text(job)) if job else (0.0, "")

    live(Watched(name, lambda: store().measurement(request), _is_over, _stage, progress), draw)


def _is_over(job: Measurement | None) -> bool:
    """Whether nothing more comes by itself: nobody has asked, or it has ended."""
    return job is None or job.state.is_over


def _stage(job: Measurement | None) -> tuple[Hashable, ...]:
    """Changes whenever there is more to show."""
    return () if job is None else (*job.stage, repr(job.result), waits_in_vain(job))


def _what_comes_first(job: Measurement, key: str) -> None:
    """What is measured now, and the way to end it; nothing where nothing is."""
    others = (other for other in store().measurements(_LISTED) if other.id != job.id)
    first = next((other for other in others if other.state is JobState.RUNNING), None)
    if first is None:
        return
    reason = only_owner(first)
    name = _(REQUESTS[first.kind].title) if first.kind in REQUESTS else first.kind
    st.caption(_("First this is measured: {name} (job {job}).", name=name, job=first.id))
    with st.container(horizontal=True):
        st.button(
            _("Free the worker"),
            key=f"{key}_free",
            icon=":material/skip_next:",
            disabled=first.stop_requested or reason is not None,
            help=reason or _("Ends what is measured now; what it knows so far is kept."),
            on_click=store().request_stop,
            args=([first.id],),
        )
        st.page_link("pages/runs.py", label=_("Show all measurements"), icon=":material/list_alt:")


def _stop_button(job: Measurement, key: str) -> None:
    reason = only_owner(job)
    if st.button(
        _("Stopping…") if job.stop_requested else _("Stop"),
        key=f"{key}_stop",
        icon=":material/stop:",
        disabled=job.stop_requested or reason is not None,
        help=reason or _("What is known so far is kept."),
    ):
        store().request_stop([job.id])
        st.rerun(scope="fragment")
