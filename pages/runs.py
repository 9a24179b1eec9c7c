"""Every run so far: filter, overlay, export, stop, continue, delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.files import delete_runs
from core.jobs.store import Run, RunState, Store
from core.report.figures.curves import Curve, accuracy_chart
from core.report.figures.palette import colors_and_markers
from core.report.tables.runs import epoch_frame, run_frame
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import start_worker, store
from pages.views.runs.table import run_table, run_title

REFRESH_SECONDS = 2.0
TICKED = "runs_ticked"  # in the session: the runs whose rows are ticked


def page() -> None:
    """The runs, live while some go on."""
    everything = store().runs()
    if not everything:
        st.info("No runs yet. Start one that takes about 10 s.", icon=":material/arrow_forward:")
        st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
        return
    over = all_over(everything)
    st.fragment(run_every=None if over else REFRESH_SECONDS)(follow_safely)(over)


def all_over(runs: Sequence[Run]) -> bool:
    """Whether no run waits or goes on."""
    return all(run.state.is_over for run in runs)


def follow_safely(was_over: bool) -> None:
    """`follow`, with errors as sentences: a fragment is outside of the page's own frame."""
    with errors_in_one_sentence():
        follow(was_over)


def follow(was_over: bool) -> None:
    """The table, then what can be done with the rows picked in it; redrawn while runs go on."""
    lab = store()
    everything = lab.runs()
    over = all_over(everything)
    if over != was_over:
        st.rerun()  # the whole page, so that the clock stops, or starts
    if not over:
        start_worker()  # one that died is replaced
    runs = filtered(everything)
    st.caption(f"{len(runs)} of {len(everything)} runs. Tick rows to overlay their curves.")
    picked = pick(lab, runs) if runs else []
    if picked:
        overlay(lab, picked)
    actions(lab, picked)
    chosen = picked or runs
    with st.container(horizontal=True):
        download_csv("Runs as CSV", lambda: run_frame(chosen), "runs.csv", "runs_csv")
        download_csv(
            "Every epoch as CSV",
            lambda: epoch_frame(chosen, lab.epochs([run.id for run in chosen])),
            "epochs.csv",
            "epochs_csv",
        )


def pick(lab: Store, runs: Sequence[Run]) -> list[Run]:
    """The table, and the runs ticked in it: those ticked before too, when other rows came."""
    before = st.session_state.get(TICKED, ())
    ticked = [row for row, run in enumerate(runs) if run.id in before]
    picked = run_table(lab, runs, key=table_key(runs), selectable=True, ticked=ticked)
    st.session_state[TICKED] = [run.id for run in picked]
    return picked


def table_key(runs: Sequence[Run]) -> str:
    """Another table for other rows: a tick must never move to another run."""
    return "runs_table_" + "_".join(str(run.id) for run in runs)


def filtered(runs: Sequence[Run]) -> list[Run]:
    """The runs that the filters above the table let through."""
    state, network, dataset = st.columns(3)
    states = state.multiselect(
        "State",
        [str(one) for one in RunState],
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


def overlay(lab: Store, picked: Sequence[Run]) -> None:
    """The accuracy curves of the picked runs in one chart."""
    epochs = lab.epochs([run.id for run in picked])
    curves = [
        Curve(run_title(run), color, marker, tuple(epochs[run.id]))
        for run, (color, marker) in zip(picked, colors_and_markers(len(picked)), strict=True)
    ]
    if any(epochs.values()):
        st.plotly_chart(accuracy_chart(curves), key="runs_overlay")
    else:
        st.caption("None of these runs has finished an epoch yet.")


def actions(lab: Store, picked: Sequence[Run]) -> None:
    """Stop, continue and delete, each only where it can do something."""
    ids = [run.id for run in picked]
    going = [run.id for run in picked if not run.state.is_over]
    resumable = [run.id for run in picked if run.state in (RunState.STOPPED, RunState.FAILED)]
    with st.container(horizontal=True):
        if st.button(
            "Stop",
            disabled=not going,
            icon=":material/stop:",
            help="Stops the ticked runs after their current step; what they learned stays.",
        ):
            lab.request_stop(going)
            st.rerun()
        if st.button(
            "Continue",
            disabled=not resumable,
            icon=":material/play_arrow:",
            help="Puts the ticked runs back into the queue; they go on where they were stopped, in"
            " the middle of an epoch too.",
        ):
            for run_id in resumable:
                lab.resume(run_id)
            start_worker()
            st.rerun()
        if st.button(
            "Delete…",
            disabled=not ids,
            icon=":material/delete:",
            help="Removes the ticked runs, their curves and their files; asks once.",
        ):
            confirm_delete(lab, picked)


@st.dialog("Delete these runs?")
def confirm_delete(lab: Store, picked: Sequence[Run]) -> None:
    """Name what goes, ask once."""
    for run in picked:
        st.markdown(f"- run {escaped(run_title(run))}")
    st.write("Their curves and their saved parameters are removed. This cannot be undone.")
    if st.button("Delete", type="primary", icon=":material/delete:"):
        with errors_in_one_sentence():
            delete_runs(lab, [run.id for run in picked])
            st.rerun()


with page_frame("Runs", "Every run so far. A run's number opens its own record."):
    page()
