"""What every page shares: title, menu, the line about the machine, and what errors become."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import streamlit as st

from core.analysis.cpu import threads
from core.language import N_, _, language
from core.zoo.libraries import installed_libraries
from pages.views.app.asked import asked_question
from pages.views.app.head import Head, page_config
from pages.views.app.language import choose_language, language_switch
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.metrics import page_timed
from pages.views.app.prose import caption, words_explained
from pages.views.app.reconnected import drawn_anew_when_reconnected
from pages.views.app.work_badge import work_badge
from pages.views.people.card import name_in_menu, only_signed_in
from pages.views.people.visitor import visitor

_CLASS = N_("Class")  # a group for teachers only
_MENU = {  # group of the menu → its pages: file, name, icon
    N_("Explore"): (
        ("dashboard.py", N_("Overview"), ":material/home:"),
        ("pages/architecture.py", N_("Architecture"), ":material/account_tree:"),
        ("pages/inside.py", N_("Inside"), ":material/visibility:"),
        ("pages/compare.py", N_("Compare"), ":material/compare_arrows:"),
        ("pages/calculators.py", N_("Calculators"), ":material/calculate:"),
        ("pages/glossary.py", N_("Glossary"), ":material/menu_book:"),
    ),
    N_("Experiment"): (
        ("pages/train.py", N_("Train"), ":material/model_training:"),
        ("pages/residual.py", N_("Residual"), ":material/call_split:"),
        ("pages/gradients.py", N_("Gradients"), ":material/ssid_chart:"),
        ("pages/runs.py", N_("Runs"), ":material/list_alt:"),
    ),
    _CLASS: (("pages/teacher.py", N_("Teacher"), ":material/school:"),),
}
PAGES = tuple(page for pages in _MENU.values() for page in pages)


@contextmanager
def page_frame(page: str, intro: str = "") -> Iterator[Head]:
    """The page between its head and its last line; a LabError becomes one sentence on it.

    `page` and `intro` are in English: before this nobody knows the visit's language.
    """
    with page_timed(page):
        choose_language()
        page_config(page)
        only_signed_in(page)
        with st.sidebar:
            _menu()
            language_switch()
            name_in_menu()
            drawn_anew_when_reconnected()
        head = Head(page)
        with words_explained():
            if intro:
                caption(_(intro))
            with errors_in_one_sentence():
                asked_question(page.lower())
                yield head
            head.finish()
        st.caption(escaped(_machine_line(language())))


def _menu() -> None:
    """All pages, by what one does there, and the work under way."""
    person = visitor()
    for group, pages in _MENU.items():
        if group == _CLASS and not (person and person.is_teacher):
            continue
        st.html(f'<p class="menu-group">{_(group)}</p>')
        for path, label, icon in pages:
            st.page_link(path, label=_(label), icon=icon)
    work_badge()


@st.cache_data(show_spinner=False)
def _machine_line(spoken: str) -> str:
    """This machine: its system, CPU threads and memory, and the versions of what runs on it.

    `spoken`: the language, by which the line is remembered.
    """
    system = f"{platform.system()} {platform.machine()}"
    parts = [_("{system}, {threads} CPU threads", system=system, threads=threads())]
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(_("{memory:.0f} GiB memory", memory=memory / 2**30))
    except (ValueError, OSError, AttributeError):
        pass
    parts.append(f"Python {platform.python_version()}")
    libraries = [library.name for library in installed_libraries()]
    parts += [f"{name} {version(name)}" for name in ("torch", *libraries, "streamlit")]
    return " · ".join(parts)
