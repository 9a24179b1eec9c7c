"""Which runs are listed: by state, network, data set and study, and whose."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.jobs.store import JobState, RunFilter, Study
from core.language import N_, _
from pages.views.app.services import store
from pages.views.forms.names import pick_name, select_names
from pages.views.forms.row import form_row
from pages.views.people.visitor import visitor

_WHOSE = {"everybody": N_("everybody's"), "mine": N_("mine")}


def choose_filter(studies: Mapping[str, Study]) -> RunFilter:
    """Which runs the filters let through; `studies` by their ids."""
    with form_row("runs"):
        states = select_names(
            _("State"),
            {str(state): str(state) for state in JobState},
            [],
            "runs_state",
            placeholder=_("any"),
        )
        networks = st.multiselect(
            _("Network"),
            store().networks(),
            key="runs_network",
            bind="query-params",
            placeholder=_("any"),
        )
        datasets = st.multiselect(
            _("Data set"),
            store().datasets(),
            key="runs_dataset",
            bind="query-params",
            placeholder=_("any"),
        )
        chosen = []
        if studies:
            titles = {study.id: study.title for study in studies.values()}
            chosen = select_names(_("Study"), titles, [], "runs_study", placeholder=_("any"))
        owners = _choose_owners()
    return RunFilter(tuple(states), tuple(networks), tuple(datasets), tuple(chosen), owners)


def _choose_owners() -> tuple[str, ...]:
    """The visitor alone, where people sign in and that is asked for; else everybody."""
    person = visitor()
    if person is None:
        return ()
    whose = pick_name(_("Whose"), _WHOSE, "everybody", "runs_whose")
    return (person.id,) if whose == "mine" else ()
