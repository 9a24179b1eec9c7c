"""What somebody sees who has not signed in, and where the name of who has stands in the menu."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from urllib.parse import urlencode, urlsplit

import streamlit as st

from core.language import _
from core.specs import LabError
from pages.views.app.base_path import base_path
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.services import store
from pages.views.people.round_trip import FAILED, sign_in_address
from pages.views.people.visitor import is_signed_in, visitor

_LAB = "CNN Architecture Lab"
_MET = "met"  # in the session: whom the store knows


def only_signed_in(page: str) -> None:
    """Goes on for who may see the lab; a stranger gets a card with the page's name, and no more."""
    with errors_in_one_sentence():
        if is_signed_in():
            _meet()
            return
        with st.container(horizontal_alignment="center"):
            _card(page)
    st.stop()


def _meet() -> None:
    """Once a visit: others see whose runs they are. A store that cannot be opened says so where
    it is needed.
    """
    person = visitor()
    if person and st.session_state.get(_MET) != person.id:
        with suppress(LabError):
            store().meet(person)
            st.session_state[_MET] = person.id


def _card(page: str) -> None:
    """The lab's name, which page waits behind it, and the way in."""
    with st.container(key="sign_in", border=True, width=420):
        st.title(_(_LAB), anchor=False)
        if page != _LAB:
            st.subheader(_(page), anchor=False)
        st.write(_("Sign in to see this page: runs and studies belong to who started them."))
        if st.context.cookies.get(FAILED):
            st.warning(_("Signing in has not worked. Try again."), icon=":material/error:")
        address = escape(sign_in_address(_this_address()))
        st.html(f'<a class="sign-in" href="{address}">{_("Sign in")}</a>')


def _this_address() -> str:
    """Of the page that the visitor has asked for, below this server's name."""
    pairs = [(name, text) for name in st.query_params for text in st.query_params.get_all(name)]
    path = urlsplit(st.context.url or "").path or base_path()
    return f"{path}?{urlencode(pairs)}" if pairs else path


def name_in_menu() -> None:
    """Who is signed in, and the way out; nothing where nobody signs in."""
    person = visitor()
    if person is None:
        return
    with st.container(key="visitor", horizontal=True, vertical_alignment="center"):
        st.html(f'<span title="{escape(person.email)}">{escape(person.name)}</span>')
        if st.button(_("Sign out"), key="sign_out", type="tertiary"):
            st.logout()
