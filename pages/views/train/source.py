"""A run of somebody's own network: the source it keeps, and what has become of the file."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core.jobs.store import Run
from core.language import _
from core.report.sentences.own_source import source_sentence
from core.specs import LabError
from core.zoo.own import is_own
from core.zoo.own_source import kept_source, since
from pages.views.app.messages import escaped


def source_view(run: Run) -> None:
    """The file, its hash, whether it has changed; nothing for a network of the lab."""
    if run.source is not None:
        beside = [name for name, _text in _files(run)[1:]]
        st.caption(escaped(source_sentence(run.source, since(run.source), beside)))
    elif is_own(run.spec.model.arch):
        st.caption(
            _(
                "This run is of an older lab, which did not keep the source of its network: it goes"
                " on with the file as it is now."
            )
        )


def source_downloads(run: Run) -> None:
    """A button for the kept file, and for each that it imports from beside it."""
    files = _files(run)
    for name, text in files:
        st.download_button(
            _("Source: {name}", name=escaped(name)),
            text,
            name.rpartition("/")[2],
            "text/plain",
            on_click="ignore",
            icon=":material/download:",
            key=f"train_source_{name}",
            help=_("The file as it was when the run was started; the run's parameters fit it."),
        )
    if run.source is not None and not files:
        st.caption(_("Its source is not kept here any more, so it cannot be continued."))


def _files(run: Run) -> tuple[tuple[str, bytes], ...]:
    """What the run keeps of its network's file; nothing where it is not here."""
    with suppress(LabError):
        return kept_source(run.source).files if run.source else ()
    return ()
