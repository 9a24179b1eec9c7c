"""What every page shares: title, menu, the line about the machine, and what errors become."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import streamlit as st

from core.analysis.cpu import threads
from core.zoo.libraries import installed_libraries
from pages.views.app.asked import asked_question
from pages.views.app.head import Head, page_config
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.prose import caption, words_explained
from pages.views.app.work_badge import work_badge

_MENU = {  # group of the menu → its pages: file, name, icon
    "Explore": (
        ("dashboard.py", "Overview", ":material/home:"),
        ("pages/architecture.py", "Architecture", ":material/account_tree:"),
        ("pages/inside.py", "Inside", ":material/visibility:"),
        ("pages/compare.py", "Compare", ":material/compare_arrows:"),
        ("pages/calculators.py", "Calculators", ":material/calculate:"),
        ("pages/glossary.py", "Glossary", ":material/menu_book:"),
    ),
    "Experiment": (
        ("pages/train.py", "Train", ":material/model_training:"),
        ("pages/residual.py", "Residual", ":material/call_split:"),
        ("pages/gradients.py", "Gradients", ":material/ssid_chart:"),
        ("pages/runs.py", "Runs", ":material/list_alt:"),
    ),
}
PAGES = tuple(page for pages in _MENU.values() for page in pages)


@contextmanager
def page_frame(page: str, intro: str = "") -> Iterator[Head]:
    """The page between its head and its last line; a LabError becomes one sentence on it."""
    page_config(page)
    with st.sidebar:
        _menu()
    head = Head(page)
    with words_explained():
        if intro:
            caption(intro)
        with errors_in_one_sentence():
            asked_question(page.lower())
            yield head
        head.finish()
    st.caption(_machine_line())


def _menu() -> None:
    """All pages, by what one does there, and the work under way."""
    for group, pages in _MENU.items():
        st.html(f'<p class="menu-group">{group}</p>')
        for path, label, icon in pages:
            st.page_link(path, label=label, icon=icon)
    work_badge()


@st.cache_data(show_spinner=False)
def _machine_line() -> str:
    """This machine: its system, CPU threads and memory, and the versions of what runs on it."""
    parts = [f"{platform.system()} {platform.machine()}, {threads()} CPU threads"]
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{memory / 2**30:.0f} GiB memory")
    except (ValueError, OSError, AttributeError):
        pass
    parts.append(f"Python {platform.python_version()}")
    libraries = [library.name for library in installed_libraries()]
    parts += [f"{name} {version(name)}" for name in ("torch", *libraries, "streamlit")]
    return " · ".join(parts)
