"""Something that is redrawn while it is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from pages.views.app.messages import errors_in_one_sentence

State = TypeVar("State")


def live(
    read: Callable[[], State],
    is_over: Callable[[State], bool],
    draw: Callable[[State], None],
    every_seconds: float,
) -> None:
    """Draw what `read` gives, and again every so many seconds until it is over.

    Whether it is redrawn is decided once a page run: when something ends, or begins again, the
    whole page is run anew. Errors become one sentence, because a fragment is outside of the page's
    own frame.
    """
    was_over = is_over(read())

    @st.fragment(run_every=None if was_over else every_seconds)
    def redrawn() -> None:
        with errors_in_one_sentence():
            state = read()
            if is_over(state) != was_over:
                st.rerun()
            draw(state)

    redrawn()
