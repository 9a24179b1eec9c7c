"""Every run so far: filter, overlay, export, stop, continue, delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.store import JobState, Run
from core.report.figures.curves import Curve, accuracy_chart
from core.report.figures.palette import colors_and_markers
from core.report.tables.runs import epoch_frame, run_frame
from pages.views.app.address import address_checked
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.live import live
from pages.views.app.services import start_worker, store
from pages.views.runs.actions import actions
from pages.views.runs.other_jobs import measurements_view, unreadable_view
from pages.views.runs.table import run_table, run_title

_REFRESH_SECONDS = 2.0
_TICKED = "runs_ticked"  # in the session: the runs whose rows are ticked


def _page() -> None:
    """The runs, live while some go on."""
    live(lambda: store().runs(), _all_over, _show_runs, _REFRESH_SECONDS)
    measurements_view()
    unreadable_view()


def _all_over(runs: Sequence[Run]) -> bool:
    """Whether no run waits or goes on."""
    return all(run.state.is_over for run in runs)


def _show_runs(all_runs: Sequence[Run]) -> None:
    """The table, then what can be done with the rows picked in it."""
    if not all_runs:
        st.info("No runs yet. Start one that takes about 10 s.", icon=":material/arrow_forward:")
        st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
        return
    if not _all_over(all_runs):
        start_worker()  # also in place of one that died
    runs = _filtered(all_runs)
    st.caption(f"{len(runs)} of {len(all_runs)} runs. Tick rows to overlay their curves.")
    picked = _pick(runs) if runs else []
    if picked:
        _overlay(picked)
    actions(picked)
    exported = picked or runs
    with st.container(horizontal=True):
        download_csv("Runs as CSV", lambda: run_frame(exported), "runs.csv", "runs_csv")
        download_csv(
            "Every epoch as CSV",
            lambda: epoch_frame(exported, store().epochs([run.id for run in exported])),
            "epochs.csv",
            "epochs_csv",
        )


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


def _filtered(runs: Sequence[Run]) -> list[Run]:
    """The runs that the filters above the table let through."""
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
        sorted({run.spec.model.arch for run in runs}),
        key="runs_network",
        placeholder="any",
        help="Show only runs of these networks.",
    )
    datasets = dataset.multiselect(
        "Data set",
        sorted({run.spec.dataset for run in runs}),
        key="runs_dataset",
        placeholder="any",
        help="Show only runs on these data sets.",
    )
    return [
        run
        for run in runs
        if (not states or run.state in states)
        and (not networks or run.spec.model.arch in networks)
        and (not datasets or run.spec.dataset in datasets)
    ]


def _overlay(picked: Sequence[Run]) -> None:
    """The accuracy curves of the picked runs in one chart."""
    epochs = store().epochs([run.id for run in picked])
    curves = [
        Curve(run_title(run), color, marker, tuple(epochs[run.id]))
        for run, (color, marker) in zip(picked, colors_and_markers(len(picked)), strict=True)
    ]
    if any(epochs.values()):
        st.plotly_chart(accuracy_chart(curves), key="runs_overlay")
    else:
        st.caption("None of these runs has finished an epoch yet.")


with (
    page_frame("Runs", "Every run so far. A run's number opens its own record."),
    address_checked(),
):
    _page()
