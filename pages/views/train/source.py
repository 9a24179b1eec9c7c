"""A run of somebody's own network: the source it keeps, and what has become of the file."""

from __future__ import annotations

import streamlit as st

from core.jobs.store import Run
from core.report.sentences.own_source import source_sentence
from core.specs import LabError
from core.zoo.own import is_own
from core.zoo.own_source import kept_source, since
from pages.views.app.messages import escaped


def source_view(run: Run) -> None:
    """The file, its hash, whether it has changed; nothing for a network of the lab."""
    if run.source is not None:
        st.caption(escaped(source_sentence(run.source, since(run.source))))
    elif is_own(run.spec.model.arch):
        st.caption(
            "This run is of an older lab, which did not keep the source of its network: it goes on"
            " with the file as it is now."
        )


def source_downloads(run: Run) -> None:
    """A button for the kept file, and for each that it imports from beside it."""
    if run.source is None:
        return
    try:
        files = kept_source(run.source).files
    except LabError as error:
        st.caption(escaped(str(error)))
        return
    for name, text in files:
        st.download_button(
            f"Source: {escaped(name)}",
            text,
            name.rpartition("/")[2],
            "text/plain",
            on_click="ignore",
            icon=":material/download:",
            key=f"train_source_{name}",
            help="The file as it was when the run was started; the run's parameters fit it.",
        )
