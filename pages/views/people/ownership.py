"""Whose runs and studies are, who sees them and who may change them; where nobody signs in, nothing
of it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from core.jobs.people import NOBODY
from core.jobs.store import Measurement, Run, Study, UnreadableJob
from core.language import _
from core.report.sentences.people import allowance_sentence
from pages.views.app.messages import escaped
from pages.views.app.services import store
from pages.views.people.visitor import visitor

Owned = Run | Study | Measurement | UnreadableJob


def owner_names() -> Mapping[str, str]:
    """How owners are called, by their id; the visitor is called "you"."""
    person = visitor()
    if person is None:
        return {}
    return store().names() | {NOBODY: _("nobody"), person.id: _("you")}


def only_owner(*owned: Owned) -> str | None:
    """Why the visitor may not change all of these, which a disabled button says; else None."""
    other = next((one for one in owned if not store().may_change(one)), None)
    if other is None:
        return None
    name = store().names().get(getattr(other, "owner", NOBODY))
    if name is None:
        return _("Only teachers can do this.")
    return _("Only {name} and teachers can do this.", name=escaped(name))


def ownership(owned: Run | Study, share: Callable[[bool], None]) -> None:
    """Who has started it and who sees it; a switch for who may change that."""
    person = visitor()
    if person is None:
        return
    with st.container(key="ownership", horizontal=True, vertical_alignment="center"):
        st.caption(_whose(owned, person.id))
        if store().may_change(owned):
            _switch(owned, share)


def _whose(owned: Run | Study, visitor_id: str) -> str:
    if owned.owner == visitor_id:
        return _("Started by you.")
    name = store().names().get(owned.owner)
    if name is None:
        return _("Started without signing in.")
    return _("Started by {name}.", name=escaped(name))


def _switch(owned: Run | Study, share: Callable[[bool], None]) -> None:
    key = f"shared_{owned.id}"
    st.session_state[key] = owned.is_shared
    st.toggle(
        _("Shared with the class"),
        key=key,
        on_change=lambda: share(bool(st.session_state[key])),
        help=_("Off: only its owner and teachers see it."),
    )


def told_before_the_start() -> None:
    """What the visitor has taken of what they may take, where that is limited."""
    if visitor() and (told := allowance_sentence(store().allowance())):
        st.caption(told)
