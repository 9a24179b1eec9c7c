"""Every run so far: filter, overlay, export, stop, continue, delete."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import streamlit as st

from core.jobs.store import JobState, Run, RunFilter, Study, UnreadableJob
from core.language import N_, _, ngettext, paragraph
from core.report.names import safe_name
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.live import live
from pages.views.app.offers import living
from pages.views.app.services import start_worker, store
from pages.views.app.watched import LIVE_SECONDS, Watched
from pages.views.runs.actions import actions
from pages.views.runs.filters import choose_filter
from pages.views.runs.other_jobs import measurements_view, unreadable_view
from pages.views.runs.overlay import overlay
from pages.views.runs.table import run_table
from pages.views.runs.ticked import keep_ticked, ticked_before
from pages.views.runs.workers import waiting_view, workers_view

_ON_A_PAGE = 100  # runs
_PAGE = "runs_page"  # in the session: the page of the table


def _page() -> None:
    """The runs, live while some go on."""
    watched = Watched(
        "runs",
        _going_on,
        is_over=lambda state: not state[0],
        stage=_stage,
        curves=lambda state: store().step_curves(state[1]),
        every_seconds=LIVE_SECONDS,
    )
    live(watched, lambda state: _show(state[0]))
    measurements_view()
    workers_view()


def _going_on() -> tuple[int, list[Run]]:
    """How many runs wait or go on, and those that go on."""
    unfinished = store().unfinished()
    listed = store().listed(RunFilter(states=(JobState.RUNNING,))) if unfinished else []
    return unfinished, [run for run in listed if isinstance(run, Run)]


def _stage(state: tuple[int, list[Run]]) -> tuple[Hashable, ...]:
    """Changes when an epoch is done, or a run or a worker comes or goes."""
    unfinished, running = state
    workers = tuple(worker.process for worker in living()) if unfinished else ()
    return store().count(), unfinished, workers, *(run.stage for run in running)


def _show(unfinished: int) -> None:
    """The table, then what can be done with the rows picked in it."""
    everything = store().count()
    if not everything:
        st.info(_("No runs yet. Start one that takes about 10 s."), icon=":material/arrow_forward:")
        st.page_link("pages/train.py", label=_("Train a network"), icon=":material/model_training:")
        return
    if unfinished:
        start_worker()  # also in place of one that died
    studies = {study.id: study for study in store().studies()}
    run_filter = choose_filter(studies)
    listed = _one_page(run_filter, everything)
    runs = _by_study([row for row in listed if isinstance(row, Run)])
    waiting_view(runs)
    picked = _pick(runs, studies) if runs else []
    names = _files_name("runs", picked), _files_name("epochs", picked)
    actions(picked, lambda: _exported(picked, run_filter), names)
    if picked:
        overlay(picked, _files_name("curves", picked))
    broken = [row for row in listed if isinstance(row, UnreadableJob)]
    unreadable_view(broken + store().unreadable_measurements(_ON_A_PAGE))


def _one_page(run_filter: RunFilter, everything: int) -> list[Run | UnreadableJob]:
    """The runs of the page that the reader is at, the newest first; of `everything` there is."""
    total = store().count(run_filter)
    pages = max(1, -(-total // _ON_A_PAGE))
    if st.session_state.get(_PAGE, 1) > pages:  # some were deleted, or filtered out
        del st.session_state[_PAGE]
    first = (st.session_state.get(_PAGE, 1) - 1) * _ON_A_PAGE
    last = min(total, first + _ON_A_PAGE)
    st.caption(
        paragraph(
            _shown(first, last, total, everything) if pages > 1 else _listed(total, everything),
            _("Tick two or more to overlay their curves."),
        )
    )
    if pages > 1:
        st.pagination(pages, key=_PAGE)
    return store().listed(run_filter, _ON_A_PAGE, first)


def _listed(total: int, everything: int) -> str:
    """How many runs pass the filter."""
    if total == everything:
        return ngettext("{number:,} run.", "{number:,} runs.", total)
    return _("{total:,} of {everything:,} runs.", total=total, everything=everything)


def _shown(first: int, last: int, total: int, everything: int) -> str:
    """Which of them this page has."""
    if total == everything:
        template = N_("Runs {first:,} to {last:,} of {total:,}.")
    else:
        template = N_("Runs {first:,} to {last:,} of {total:,}; {everything:,} in all.")
    return _(template, first=first + 1, last=last, total=total, everything=everything)


def _by_study(runs: Sequence[Run]) -> list[Run]:
    """The runs of a study beside each other, where its newest one is; else the newest first."""
    newest: dict[str, int] = {}
    for run in runs:
        if run.study:
            newest[run.study] = max(run.id, newest.get(run.study, 0))
    return sorted(runs, key=lambda run: (newest.get(run.study or "", run.id), run.id), reverse=True)


def _exported(picked: Sequence[Run], run_filter: RunFilter) -> Sequence[Run]:
    """The ticked runs; without any all that pass the filter, on other pages too."""
    return picked or [row for row in store().listed(run_filter) if isinstance(row, Run)]


def _pick(runs: Sequence[Run], studies: Mapping[str, Study]) -> list[Run]:
    """The table, and the runs ticked in it: those ticked before too, when other rows came."""
    before = ticked_before()
    ticked = [row for row, run in enumerate(runs) if run.id in before]
    picked = run_table(
        store(), runs, key=_table_key(runs), selectable=True, ticked=ticked, studies=studies
    )
    keep_ticked([run.id for run in picked])
    return picked


def _table_key(runs: Sequence[Run]) -> str:
    """Another table for other rows: a tick must never move to another run."""
    return "runs_table_" + "_".join(str(run.id) for run in runs)


def _files_name(start: str, picked: Sequence[Run]) -> str:
    """`epochs-of-run-3-5`; of all runs `epochs`."""
    return safe_name(start, *(["of-run"] if picked else []), *(str(run.id) for run in picked))


with (
    page_frame("Runs"),
    address_checked(),
):
    _page()
