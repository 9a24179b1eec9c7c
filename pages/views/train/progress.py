"""How far a run is: its bar, its place in the queue, the time left, and its one Stop."""

from __future__ import annotations

import streamlit as st

from core.data.catalogue import find_dataset, train_images_of
from core.jobs.store import JobState, Run
from core.language import _, ngettext
from core.report import formats
from pages.views.app.live import progress_bar
from pages.views.app.offers import warn_of_waiting
from pages.views.app.services import start_worker, store
from pages.views.app.watched import Progress
from pages.views.people.ownership import only_owner

_EVALUATION_SHARE = 1.1  # of the time left: evaluations take about a tenth on top


def live_name(run_id: int) -> str:
    """Under which browsers ask how far it is."""
    return f"run-{run_id}"


def progress_row(run: Run, ahead: int) -> None:
    """The bar of a run that is not over, and the way to end it."""
    start_worker()  # also in place of one that died
    reason = only_owner(run)
    with st.container(key="train_progress", horizontal=True, vertical_alignment="bottom"):
        with st.container(width="stretch"):
            progress_bar(live_name(run.id), progress_of(run, ahead))
        st.button(
            _("Stopping…") if run.stop_requested else _("Stop"),
            icon=":material/stop:",
            disabled=run.stop_requested or reason is not None,
            help=reason,
            key="train_stop",
            on_click=store().request_stop,  # before the drawing that says so
            args=([run.id],),
        )
    warn_of_waiting(run)


def progress_of(run: Run, ahead: int) -> Progress:
    """How far it is, its rate and the time left; `ahead`: runs that its worker takes first."""
    now = run.progress
    if run.state is JobState.QUEUED:
        return 0.0, _waiting(ahead)
    if run.stop_requested:
        return run.fraction, _("Stopping after this step; what it has learned is kept.")
    if now is None:
        return 0.0, _("A worker process has taken it and is starting…")
    if now.phase == "downloading":
        return now.step / max(1, now.steps), _doing(run)
    return now.fraction, _doing(run)


def _waiting(ahead: int) -> str:
    """Its place in the queue."""
    if not ahead:
        return _("Waiting for the worker, as the next in the queue…")
    return ngettext(
        "Waiting in the queue: {number:,} run comes first.",
        "Waiting in the queue: {number:,} runs come first.",
        ahead,
    )


def _doing(run: Run) -> str:
    """What its worker does now."""
    now = run.progress
    assert now is not None
    data = find_dataset(run.spec.dataset).title
    match now.phase:
        case "downloading":
            done, size = formats.mebibytes(now.step), formats.mebibytes(now.steps)
            return _(
                "Downloading {data}: {done} of {size}",
                data=data,
                done=done,
                size=size,
            )
        case "waiting":
            return _(
                "Waiting: its files or the store cannot be written now (a full disk, another"
                " program that holds the store); it goes on by itself."
            )
        case "waiting for a download":
            return _("Waiting: another run downloads {data}…", data=data)
        case "preparing":
            return _(
                "Resizing the images, once: {step:,} of {steps:,}", step=now.step, steps=now.steps
            )
        case "evaluating":
            doing = _("evaluating on the test images")
        case _phase:
            doing = _("step {step} of {steps}", step=now.step, steps=now.steps)
    rate = _("{rate:,.0f} images/s", rate=now.images_per_second)
    return _(
        "Epoch {epoch} of {epochs}, {doing} · {rate} · {time_left}",
        epoch=now.epoch,
        epochs=now.epochs,
        doing=doing,
        rate=rate,
        time_left=_time_left(run),
    )


def _time_left(run: Run) -> str:
    """From what is left to train and the rate of this epoch."""
    now = run.progress
    if now is None or not now.images_per_second:
        return _("time left unknown yet")
    images = run.spec.recipe.epochs * train_images_of(run.spec)
    seconds = _EVALUATION_SHARE * (1 - now.fraction) * images / now.images_per_second
    return _("about {time} left", time=formats.duration(seconds))
