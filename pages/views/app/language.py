"""The language of a visit: what its address asks for, else what its browser speaks."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.language import (
    CHINESE,
    ENGLISH,
    LANGUAGES,
    ask_for_language,
    language,
    language_of,
    write_in,
)
from pages.views.app.address import keep_on_every_page, names_asked_for
from pages.views.app.streamlit_words import tell_the_browser

_KEY = "lang"  # of the switch, and the address's parameter
_CHOSEN = "language_of_this_visit"  # in the session
_NAMES = {tag: tag for tag in LANGUAGES}


def choose_language() -> None:
    """From here on this run writes in the visit's language. To be called before all that is said.

    What runs without a page, a fragment or a file that is made on a click, asks by itself.
    """
    asked = names_asked_for(_KEY, _NAMES, [_of_browser()], aliases={"zh": CHINESE})
    picked = asked[0] if asked else st.session_state.get(_KEY)
    if picked in LANGUAGES:
        if picked != _of_visit():
            _label_anew()
        st.session_state[_CHOSEN] = picked
    write_in(_of_visit() or ENGLISH)


def language_switch() -> None:
    """The languages by the names that their readers give them."""
    st.session_state[_KEY] = language()
    st.segmented_control(
        "Language · 语言",
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=_KEY,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    keep_on_every_page(_KEY, [language()], [_of_browser()])
    tell_the_browser()


def in_this_language(address: str) -> str:
    """A link that the browser follows by itself, which begins another visit."""
    if language() == _of_browser():
        return address
    return f"{address}{'&' if '?' in address else '?'}{_KEY}={language()}"


def _label_anew() -> None:
    """Tell the browser what each list shows: it knows that by its label, which is now another."""
    for key in st.session_state:
        value = st.session_state[key]
        if isinstance(value, int | str | list) and not isinstance(value, bool):  # no button
            st.session_state[key] = value


def _of_browser() -> str:
    return language_of([st.context.locale or ""])


def _of_visit() -> str | None:
    """That of the visit that this thread draws; None where it draws none."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return str(st.session_state.get(_CHOSEN) or _of_browser())


ask_for_language(_of_visit)
