"""What can be done with the runs that are ticked: open, stop, continue, export, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.jobs.files import delete_runs
from core.jobs.store import Run
from core.language import _, ngettext
from core.report.names import run_title
from core.report.tables.runs import epoch_frame, run_frame
from pages.views.app.downloads import download_csv
from pages.views.app.services import start_worker, store
from pages.views.people.ownership import only_owner
from pages.views.people.visitor import visitor
from pages.views.runs.delete import bytes_of, delete_button


def actions(
    picked: Sequence[Run], exported: Callable[[], Sequence[Run]], files: tuple[str, str]
) -> None:
    """Each only where it can do something.

    `exported` reads the runs of the two CSV files on the click, as they may be thousands; `files`
    has names for them.
    """
    going = [run.id for run in picked if not run.state.is_over]
    resumable = [run.id for run in picked if run.state.can_go_on]
    reason = only_owner(*picked)
    with st.container(horizontal=True, vertical_alignment="center", key="runs_actions"):
        if len(picked) == 1:
            st.page_link(
                "pages/train.py",
                label=_("Open run {run}", run=picked[0].id),
                icon=":material/open_in_full:",
                query_params={"run": str(picked[0].id)},
            )
        if going and st.button(
            _("Stop {runs}", runs=_runs(going)),
            icon=":material/stop:",
            key="runs_stop",
            disabled=reason is not None,
            help=reason,
        ):
            store().request_stop(going)
            st.rerun()
        if resumable and st.button(
            _("Continue {runs}", runs=_runs(resumable)),
            icon=":material/play_arrow:",
            key="runs_continue",
            disabled=reason is not None,
            help=reason or _("They go on where they were stopped, in the middle of an epoch too."),
        ):
            for run_id in resumable:
                store().resume(run_id)
            start_worker()
            st.rerun()
        _downloads(exported, files)
        if picked:
            _share_button(picked, reason)
            _delete_button(picked, reason)


def _runs(ids: Sequence[int]) -> str:
    """`run 3`, or `4 runs`."""
    if len(ids) == 1:
        return _("run {run}", run=ids[0])
    return ngettext("{number:,} run", "{number:,} runs", len(ids))


def _downloads(exported: Callable[[], Sequence[Run]], files: tuple[str, str]) -> None:
    """Settings and epochs of these runs."""
    download_csv(_("Runs as CSV"), lambda: run_frame(exported()), f"{files[0]}.csv", "runs_csv")
    download_csv(
        _("Every epoch as CSV"), lambda: _epoch_frame(exported()), f"{files[1]}.csv", "epochs_csv"
    )


def _epoch_frame(runs: Sequence[Run]) -> pd.DataFrame:
    return epoch_frame(runs, store().epochs([run.id for run in runs]))


def _share_button(picked: Sequence[Run], reason: str | None) -> None:
    """Where people sign in: let the class see these runs, or nobody else any more."""
    if visitor() is None:
        return
    is_shared = all(run.is_shared for run in picked)
    if st.button(
        _("Keep private") if is_shared else _("Share with the class"),
        icon=":material/visibility_off:" if is_shared else ":material/group:",
        key="runs_share",
        disabled=reason is not None,
        help=reason or _("Runs of a study go with the whole study."),
    ):
        store().share([run.id for run in picked], not is_shared)
        st.rerun()


def _delete_button(picked: Sequence[Run], reason: str | None) -> None:
    """With the size of the files that go."""
    ids = [run.id for run in picked]
    delete_button(
        "runs_delete",
        _runs(ids),
        [_("run {title}", title=run_title(run)) for run in picked],
        _("Their curves and their saved parameters are removed."),
        lambda: delete_runs(store(), ids),
        bytes_of(picked),
        reason,
    )
