"""Something that is redrawn while it is under way."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from core.language import _
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.watched import PATH, Progress, State, Watched, name_here, watch

_watcher = st.components.v2.component(
    "lab_live",
    html='<span class="watcher"></span>',
    css=(FOLDER / "live.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "live.js", news=FOLDER / "news.js"),
    isolate_styles=False,
)


def live(watched: Watched[State], draw: Callable[[State], None]) -> None:
    """Draw it, and again whenever its stage changes, until it is over.

    Whether it is watched is decided once a page run: when something ends, or begins again, the
    whole page is run anew. Errors become one sentence, because a fragment is outside of the page's
    own frame.
    """
    read = [watched.read()]  # for the first drawing, which follows at once
    was_over = watched.is_over(read[0])

    @st.fragment
    def redrawn() -> None:
        with errors_in_one_sentence():
            state = read.pop() if read else watched.read()
            if watched.is_over(state) != was_over:
                st.rerun()
            draw(state)
            if not was_over:
                follow(watched, state)

    redrawn()


def follow(watched: Watched[State], state: State) -> None:
    """Draw anew what stands around this, a fragment or a whole page, once the stage changes."""
    watch(watched)
    _watcher(
        key=f"live_{watched.name}",
        data={
            "path": PATH,
            "name": name_here(watched.name),
            "every": 1000 * watched.every_seconds,
            "stored": watched.is_stored,
            **watched.answer(state),
        },
        on_change_change=lambda: None,
        height="content",
    )


def progress_bar(name: str, progress: Progress) -> None:
    """How far something is that is `live` under this name; the browser moves it on."""
    share, text = progress
    done = escape(_("Done"))
    st.html(
        f'<div class="live-bar" data-live="{escape(name_here(name))}"><p>{escape(text)}</p>'
        f'<div role="progressbar" aria-label="{done}" aria-valuenow="{100 * share:.1f}">'
        f'<div style="width: {100 * share:.1f}%"></div></div></div>'
    )
