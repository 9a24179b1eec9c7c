"""Something that is measured on demand, in a process of its own, and kept in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.views.app.messages import errors_in_one_sentence, show_error
from pages.views.app.services import measurer, store

POLL_SECONDS = 1.0


def measurement(
    name: str,
    arguments: Sequence[str],
    key: str,
    label: str,
    help_text: str,
    show: Callable[[dict[str, Any]], None],
    again: str = "Measure again",
) -> None:
    """A button that starts `python -m core` with these arguments; progress; what was found.

    The process keeps under `name` the share that is done, and the result so far or an error;
    `show` draws the result.
    """
    measuring = measurer().is_measuring(name)

    @st.fragment(run_every=POLL_SECONDS if measuring else None)
    def live() -> None:
        with errors_in_one_sentence():
            kept = store().measured(name) or {}
            if measuring and not measurer().is_measuring(name):
                st.rerun()  # done: the whole page, without the clock
            if measuring:
                show_progress(kept, key)
            else:
                offer(kept)
            if kept.get("result"):
                show(kept["result"])

    def offer(kept: dict[str, Any]) -> None:
        if kept.get("error"):
            show_error(str(kept["error"]))
        elif kept.get("result") and kept.get("share", 1.0) < 1.0:
            st.caption("This measurement was stopped before its end.")
        done = bool(kept.get("result"))
        if st.button(
            again if done else label,
            type="secondary" if done else "primary",
            key=f"{key}_start",
            icon=":material/timer:",
            help=help_text,
        ):
            measurer().start(name, arguments)  # refused while another is under way
            store().keep_measured(name, {})
            st.rerun()

    live()


def show_progress(kept: dict[str, Any], key: str) -> None:
    """How much is done, and the stop button."""
    share = float(kept.get("share", 0.0))
    text = f"{share:.0%} measured" if share else "Starting a process and warming up…"
    st.progress(min(1.0, share), text)
    if st.button(
        "Stop", key=f"{key}_stop", icon=":material/stop:", help="What is known so far is kept."
    ):
        measurer().stop()
        st.rerun()
