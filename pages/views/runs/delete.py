"""A button that deletes: it looks dangerous, names what goes, and asks once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.jobs.files import bytes_of_runs
from core.jobs.store import Run
from core.language import _, paragraph
from core.report import formats
from core.specs import LabError
from pages.views.app.messages import escaped, show_error

_NAMED = 8  # things that are named before they go; the others are counted
_PROBLEM = "delete_problem"  # in the session: why something could not be deleted


def delete_button(
    key: str,
    what: str,
    named: Sequence[str],
    loses: str,
    delete: Callable[[], None],
    size: int | None = None,
    reason_against: str | None = None,
) -> None:
    """`what` goes, in words, with files of `size` bytes, where that is known.

    `named`: each of it; `loses`: with what; `reason_against`: why the visitor may not delete it.
    `delete` may raise LabError, which becomes one sentence.
    """
    label = (
        _("Delete {what}, {size}", what=what, size=formats.mebibytes(size))
        if size
        else _("Delete {what}", what=what)
    )
    if problem := st.session_state.pop(_PROBLEM, None):
        show_error(problem)
    with st.container(key=f"danger_{key}", width="content"):
        if st.button(
            f"{label}…",
            icon=":material/delete:",
            key=key,
            disabled=reason_against is not None,
            help=reason_against,
        ):
            _confirm(key, label, named, loses, delete)


def bytes_of(runs: Sequence[Run]) -> int | None:
    """What the files of these runs take; None where that cannot be asked now."""
    files = tuple((run.id, run.checkpoint, run.best_file) for run in runs)
    return _bytes_of(files, runs)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _bytes_of(files: tuple[Any, ...], _runs: Sequence[Run]) -> int | None:
    return bytes_of_runs(_runs)


def _confirm(
    key: str, label: str, named: Sequence[str], loses: str, delete: Callable[[], None]
) -> None:
    """What goes, and the two ways out, in a dialog."""
    st.dialog(_("Delete for good?"))(_ask)(key, label, named, loses, delete)


def _ask(
    key: str, label: str, named: Sequence[str], loses: str, delete: Callable[[], None]
) -> None:
    lines = [f"- {escaped(name)}" for name in named[:_NAMED]]
    if len(named) > _NAMED:
        lines.append(_("- and {more:,} more", more=len(named) - _NAMED))
    st.markdown("\n".join(lines))
    st.write(paragraph(loses, _("This cannot be undone.")))
    with st.container(horizontal=True):
        with st.container(key=f"danger_now_{key}", width="content"):
            is_done = st.button(
                label,
                type="primary",
                icon=":material/delete:",
                key=f"{key}_now",
                on_click=_deleted,
                args=(delete,),
            )
        if st.button(_("Cancel"), key=f"{key}_cancel") or is_done:
            st.rerun()


def _deleted(delete: Callable[[], None]) -> None:
    """Before the page is drawn anew."""
    try:
        delete()
    except LabError as error:
        st.session_state[_PROBLEM] = str(error)
