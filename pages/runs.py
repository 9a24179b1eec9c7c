"""Every run so far: filter, overlay, export, stop, continue, delete."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd
import streamlit as st

from core.jobs.step_curves import StepCurve
from core.jobs.store import JobState, Run, RunFilter, UnreadableJob
from core.report.figures.curves import Curve, accuracy_chart
from core.report.figures.palette import colors_and_markers
from core.report.names import run_titles, safe_name
from core.report.tables.runs import epoch_frame, run_frame
from core.studies.conditions import condition_of
from pages.views.app.address import address_checked
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.live import live
from pages.views.app.services import start_worker, store
from pages.views.app.watched import LIVE_SECONDS, Watched
from pages.views.runs.actions import actions
from pages.views.runs.other_jobs import measurements_view, unreadable_view
from pages.views.runs.table import run_table

_ON_A_PAGE = 100  # runs
_PAGE = "runs_page"  # in the session: the page of the table
_TICKED = "runs_ticked"  # in the session: the runs whose rows are ticked


def _page() -> None:
    """The runs, live while some go on."""
    watched = Watched(
        "runs",
        lambda: (store().unfinished(), _running()),
        is_over=lambda state: not state[0],
        stage=_stage,
        curves=lambda state: store().step_curves(state[1]),
        every_seconds=LIVE_SECONDS,
    )
    live(watched, lambda state: _show(state[0]))
    measurements_view()


def _running() -> list[Run]:
    listed = store().listed(RunFilter(states=(JobState.RUNNING,)))
    return [run for run in listed if isinstance(run, Run)]


def _stage(state: tuple[int, list[Run]]) -> tuple[Hashable, ...]:
    """Changes when an epoch is done, or a run comes, ends or goes."""
    unfinished, running = state
    return store().count(), unfinished, *(run.stage for run in running)


def _show(unfinished: int) -> None:
    """The table, then what can be done with the rows picked in it."""
    everything = store().count()
    if not everything:
        st.info("No runs yet. Start one that takes about 10 s.", icon=":material/arrow_forward:")
        st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
        return
    if unfinished:
        start_worker()  # also in place of one that died
    run_filter = _filter()
    listed = _one_page(run_filter, everything)
    runs = [row for row in listed if isinstance(row, Run)]
    picked = _pick(runs) if runs else []
    if picked:
        _overlay(picked)
    actions(picked)
    with st.container(horizontal=True):
        download_csv(
            "Runs as CSV",
            lambda: run_frame(_exported(picked, run_filter)),
            f"{_files_name('runs', picked)}.csv",
            "runs_csv",
        )
        download_csv(
            "Every epoch as CSV",
            lambda: _epochs(picked, run_filter),
            f"{_files_name('epochs', picked)}.csv",
            "epochs_csv",
        )
    broken = [row for row in listed if isinstance(row, UnreadableJob)]
    unreadable_view(broken + store().unreadable_measurements(_ON_A_PAGE))


def _one_page(run_filter: RunFilter, everything: int) -> list[Run | UnreadableJob]:
    """The runs of the page that the reader is at, the newest first; of `everything` there is."""
    total = store().count(run_filter)
    told = f"{total:,} of {everything:,} runs"
    pages = max(1, -(-total // _ON_A_PAGE))
    if st.session_state.get(_PAGE, 1) > pages:  # some were deleted, or filtered out
        del st.session_state[_PAGE]
    first = (st.session_state.get(_PAGE, 1) - 1) * _ON_A_PAGE
    if pages > 1:
        told = f"Runs {first + 1:,} to {min(total, first + _ON_A_PAGE):,} of {total:,}"
        told += "" if total == everything else f"; {everything:,} in all"
    st.caption(f"{told}. Tick rows to overlay their curves.")
    if pages > 1:
        st.pagination(pages, key=_PAGE)
    return store().listed(run_filter, _ON_A_PAGE, first)


def _exported(picked: Sequence[Run], run_filter: RunFilter) -> Sequence[Run]:
    """The ticked runs; without any all that pass the filter, on other pages too."""
    return picked or [row for row in store().listed(run_filter) if isinstance(row, Run)]


def _epochs(picked: Sequence[Run], run_filter: RunFilter) -> pd.DataFrame:
    """Every epoch of these runs."""
    runs = _exported(picked, run_filter)
    return epoch_frame(runs, store().epochs([run.id for run in runs]))


def _pick(runs: Sequence[Run]) -> list[Run]:
    """The table, and the runs ticked in it: those ticked before too, when other rows came."""
    before = st.session_state.get(_TICKED, ())
    ticked = [row for row, run in enumerate(runs) if run.id in before]
    picked = run_table(store(), runs, key=_table_key(runs), selectable=True, ticked=ticked)
    st.session_state[_TICKED] = [run.id for run in picked]
    return picked


def _table_key(runs: Sequence[Run]) -> str:
    """Another table for other rows: a tick must never move to another run."""
    return "runs_table_" + "_".join(str(run.id) for run in runs)


def _filter() -> RunFilter:
    """Which runs the filters above the table let through."""
    state, network, dataset = st.columns(3)
    states = state.multiselect(
        "State",
        [str(state) for state in JobState],
        key="runs_state",
        bind="query-params",
        placeholder="any",
        help="Show only runs in these states.",
    )
    networks = network.multiselect(
        "Network",
        store().networks(),
        key="runs_network",
        placeholder="any",
        help="Show only runs of these networks.",
    )
    datasets = dataset.multiselect(
        "Data set",
        store().datasets(),
        key="runs_dataset",
        placeholder="any",
        help="Show only runs on these data sets.",
    )
    return RunFilter(tuple(states), tuple(networks), tuple(datasets))


def _files_name(start: str, picked: Sequence[Run]) -> str:
    """`epochs-of-run-3-5`; of all runs `epochs`."""
    return safe_name(start, *(["of-run"] if picked else []), *(str(run.id) for run in picked))


def _overlay(picked: Sequence[Run]) -> None:
    """The accuracy curves of the picked runs in one chart; those under way go on growing."""
    epochs = store().epochs([run.id for run in picked])
    under_way = [run for run in picked if not run.state.is_over]
    empty = {run.id: StepCurve.empty(run) for run in under_way}
    steps = empty | store().step_curves(under_way)
    curves = [
        Curve(
            title,
            color,
            marker,
            tuple(epochs[run.id]),
            planned=run.spec.recipe.epochs if run.id in steps else 1,
            steps=steps.get(run.id),
        )
        for run, title, (color, marker) in zip(
            picked, run_titles(picked), colors_and_markers(len(picked)), strict=True
        )
    ]
    if any(epochs.values()) or steps:
        chart(accuracy_chart(curves), key="runs_overlay", name=_files_name("curves", picked))
        if len({condition_of(run.spec) for run in picked}) > 1:
            st.caption(
                "These runs differ in data, images, epochs or recipe, as their names say: which"
                " network is better they cannot tell."
            )
        if steps:
            st.caption("Thin: training accuracy of the runs under way, batch by batch.")
    else:
        st.caption("None of these runs has finished an epoch.")


with (
    page_frame("Runs", "Every run so far. A run's number opens its own record."),
    address_checked(),
):
    _page()
