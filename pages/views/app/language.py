"""The language of a visit: what its address asks for, else what its browser speaks."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.language import LANGUAGES, ask_for_language, language_of, write_in
from pages.views.app.address import keep_on_every_page, names_asked_for
from pages.views.app.streamlit_words import tell_the_browser

_KEY = "lang"  # of the switch, and the address's parameter
_NAMES = {tag: tag for tag in LANGUAGES}


def choose_language() -> None:
    """From here on this run writes in the visit's language. To be called before all that is said.

    What runs without a page, a fragment or a file that is made on a click, asks by itself.
    """
    asked = names_asked_for(_KEY, _NAMES, [_of_browser()], aliases={"zh": "zh-Hans"})
    if asked:
        st.session_state[_KEY] = asked[0]
    write_in(_of_visit() or _of_browser())


def language_switch() -> None:
    """The languages by the names that their readers give them."""
    st.session_state.setdefault(_KEY, _of_browser())
    st.segmented_control(
        "Language · 语言",
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=_KEY,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    tell_the_browser()
    keep_on_every_page(_KEY, [st.session_state[_KEY]], [_of_browser()])


def _of_browser() -> str:
    return language_of([st.context.locale or ""])


def _of_visit() -> str | None:
    """What is chosen in the visit that this thread draws; None where it draws none."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    with suppress(KeyError):
        return str(st.session_state[_KEY])
    return _of_browser()


ask_for_language(_of_visit)
