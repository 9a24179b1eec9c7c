"""How much everybody may take, or one person: written down for the store, which holds to it."""

from __future__ import annotations

import streamlit as st

from core.jobs.people import BOUNDS, THE_CLASS, Quotas
from core.language import N_, _
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.services import store

_MEBIBYTE = 2**20
_LABELS = {  # name of the quota → its control
    "runs_at_once": N_("Runs at once"),
    "queued": N_("Jobs in the queue"),
    "minutes_a_day": N_("Minutes of computing a day"),
    "kept_bytes": N_("Files (MiB)"),
}
_SAVED = "class_quotas_saved"  # said by the next drawing: a toast does not outlast a rerun
_UNITS = {"kept_bytes": _MEBIBYTE}


def quotas_view() -> None:
    """The quotas of whoever is chosen, to be changed; folded away."""
    with st.expander(_("Quotas"), icon=":material/speed:", key="class_quotas"):
        people = {one.person.id: one for one in store().participants()}
        labels = {THE_CLASS: _("everybody who has none of their own")} | {
            name: f"{one.person.name} · {one.person.email}" for name, one in people.items()
        }
        chosen = st.selectbox(
            _("Whose"),
            list(labels),
            format_func=lambda name: labels.get(name, ""),
            key="class_quotas_of",
            width=480,
        )
        own = people[chosen].quotas if chosen in people else store().quotas_of_class()
        _form(str(chosen), own)
        if st.session_state.pop(_SAVED, False):
            st.toast(_("Quotas saved"), icon=":material/check:")
        st.caption(
            _(
                "Days begin at midnight UTC. Teachers have no quotas. A run that is under way is"
                " never ended by a quota."
            )
        )


def _form(chosen: str, own: Quotas) -> None:
    empty = _("no limit") if chosen == THE_CLASS else _("as everybody")
    with st.form(f"class_quotas_form_{chosen}", border=False):
        with st.container(horizontal=True, key="row_quotas"):
            values = {
                name: _control(name, label, getattr(own, name), chosen, empty)
                for name, label in _LABELS.items()
            }
        if st.form_submit_button(_("Save quotas"), icon=":material/save:"):
            with errors_in_one_sentence():
                store().set_quotas(Quotas(**values), chosen)
                st.session_state[_SAVED] = True
                st.rerun()  # what stands above shows them too


def _control(name: str, label: str, value: int | None, chosen: str, empty: str) -> int | None:
    unit = _UNITS.get(name, 1)
    least, most = BOUNDS[name]
    key = f"class_quota_{name}_{chosen}"
    if key not in st.session_state:  # given as the control's own value it could not be taken away
        st.session_state[key] = None if value is None else value // unit
    shown = st.number_input(
        _(label),
        min_value=least,
        max_value=most // unit,
        value=None,
        step=1,
        placeholder=empty,
        key=key,
    )
    return None if shown is None else int(shown) * unit
