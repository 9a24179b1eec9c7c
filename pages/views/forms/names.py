"""Lists of names: shown by their titles, kept by their names, in the address too.

Titles are given in English, as addresses of earlier versions hold them, and translated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from core.language import _
from pages.views.app.address import keep_names, names_asked_for, show_again


def select_name(
    label: str,
    titles: Mapping[str, str],
    default: str,
    key: str,
    bound: bool = True,
    aliases: Mapping[str, str] = MappingProxyType({}),
    **shown: Any,
) -> str:
    """One of the names that `titles` has a title for; unless `bound`, the address has no part.

    `aliases` are names that the list has not, and which of its own each stands for. `shown` are
    further settings of `st.selectbox`.
    """
    names = list(titles)
    if not bound:
        if stands_for := aliases.get(st.session_state.get(key, "")):
            st.session_state[key] = stands_for
        name = st.selectbox(
            label,
            names,
            index=names.index(default),
            format_func=lambda name: _(titles[name]),
            key=key,
            **shown,
        )
        return str(name)
    _follow_address(titles, default, key, aliases)
    name = st.selectbox(
        label,
        names,
        format_func=lambda name: _(titles[name]),
        key=key,
        persist_state="session",
        **shown,
    )
    keep_names(key, [name], [default])
    return str(name)


def _follow_address(
    titles: Mapping[str, str], default: str, key: str, aliases: Mapping[str, str]
) -> None:
    """Have the control show what the address asks for, else one of its own names."""
    asked = names_asked_for(key, titles, [default], aliases)
    if asked:
        st.session_state[key] = asked[-1]
    elif st.session_state.get(key) not in titles:
        st.session_state[key] = aliases.get(st.session_state.get(key, ""), default)
    show_again(key)


def select_names(
    label: str, titles: Mapping[str, str], defaults: Sequence[str], key: str, **shown: Any
) -> list[str]:
    """Any number of the names that `titles` has a title for.

    `shown` are further settings of `st.multiselect`.
    """
    asked = names_asked_for(key, titles, defaults)
    if asked is not None:
        st.session_state[key] = asked
    elif key not in st.session_state:
        st.session_state[key] = list(defaults)
    elif any(name not in titles for name in st.session_state[key]):
        st.session_state[key] = [name for name in st.session_state[key] if name in titles]
    show_again(key)
    names = st.multiselect(
        label,
        list(titles),
        format_func=lambda name: _(titles[name]),
        key=key,
        persist_state="session",
        **shown,
    )
    keep_names(key, names, defaults)
    return list(names)


def pick_name(
    label: str,
    titles: Mapping[str, str],
    default: str,
    key: str,
    aliases: Mapping[str, str] = MappingProxyType({}),
    is_shown: bool = True,
    draw: Callable[..., Any] = st.segmented_control,
    **shown: Any,
) -> str:
    """One of a few names that all stand there, beside each other; in the address by its name.

    `aliases` are names of older addresses, and which of these each stands for. Unless `is_shown`
    they are not drawn, but what was picked is kept. `shown` are further settings of `draw`.
    """
    _follow_address(titles, default, key, aliases)
    name = st.session_state[key]
    if is_shown:
        name = draw(
            label,
            list(titles),
            format_func=lambda name: _(titles[name]),
            key=key,
            required=True,
            persist_state="session",
            **shown,
        )
    keep_names(key, [name], [default])
    return str(name)
