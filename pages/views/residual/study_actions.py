"""What can be done with a whole study: stop, continue, rename, delete."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.files import delete_study
from core.jobs.store import MOST_LETTERS_OF_A_TITLE, Run, Study
from core.language import _, ngettext
from core.specs import LabError
from pages.views.app.messages import show_error
from pages.views.app.services import store
from pages.views.people.ownership import only_owner, ownership
from pages.views.runs.delete import bytes_of, delete_button


def actions(study: Study, runs: Sequence[Run], over: bool) -> None:
    """Each only where it can do something."""
    ownership(study, lambda is_shared: store().share_study(study.id, is_shared))
    reason = only_owner(*runs)
    with st.container(horizontal=True):
        if not over:
            _stop(study, runs, reason)
            return
        _continue(study, runs, reason)
        _rename(study, reason)
        _delete(study, runs, reason)


def _stop(study: Study, runs: Sequence[Run], reason: str | None) -> None:
    """Answers at once; what is left of a step comes to its end."""
    going = [run for run in runs if not run.state.is_over]
    is_asked = all(run.stop_requested for run in going)
    if st.button(
        _("Stopping after this step…") if is_asked else _("Stop the study"),
        icon=":material/stop:",
        key="res_stop",
        disabled=is_asked or reason is not None,
        help=reason or _("Ends its runs after their current step; what they have learned is kept."),
    ):
        store().stop_study(study.id)
        st.rerun(scope="fragment")


def _continue(study: Study, runs: Sequence[Run], reason: str | None) -> None:
    """Every stopped or failed run, where there are any."""
    ended = [run for run in runs if run.state.can_go_on]
    if ended and st.button(
        ngettext("Continue {number:,} run", "Continue {number:,} runs", len(ended)),
        type="primary",
        icon=":material/play_arrow:",
        key="res_continue",
        disabled=reason is not None,
        help=reason or _("Queues every stopped or failed run again; each goes on where it was."),
    ):
        store().continue_study(study.id)
        st.rerun()


def _rename(study: Study, reason: str | None) -> None:
    """Another title, by which the study is found among others."""
    with st.popover(_("Rename"), icon=":material/edit:", disabled=reason is not None, help=reason):
        title = st.text_input(
            _("Title of the study"),
            study.title,
            max_chars=MOST_LETTERS_OF_A_TITLE,
            key=f"res_title_{study.id}",
            help=_("By it the study is found on Runs and on the overview."),
        )
        if st.button(_("Rename"), key="res_rename", disabled=title in ("", study.title)):
            try:
                store().rename_study(study.id, title)
            except LabError as error:
                show_error(error)
            else:
                st.rerun()


def _delete(study: Study, runs: Sequence[Run], reason: str | None) -> None:
    """The study with all that belongs to it."""
    what = ngettext("{number:,} run", "{number:,} runs", len(runs))

    def delete() -> None:
        delete_study(store(), study.id)
        st.query_params.pop("study", None)

    delete_button(
        "res_delete",
        what,
        [study.title],
        _("Its {runs}, their curves and their saved parameters are removed.", runs=what),
        delete,
        bytes_of(runs),
        reason,
    )
