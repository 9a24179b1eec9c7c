"""Everything that the class has run, in one file."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.jobs.store import Run
from core.language import _, ngettext
from core.report.tables.people import class_frame
from pages.views.app.downloads import download_csv
from pages.views.app.services import store


def results_view() -> None:
    """One file, made on the click."""
    total = store().count()
    st.caption(
        ngettext(
            "{number:,} run, shared or not, with who has started it.",
            "{number:,} runs, shared or not, with who has started each.",
            total,
        )
    )
    download_csv(_("All results as CSV"), _results, "class.csv", "class_csv")


def _results() -> pd.DataFrame:
    people = {one.person.id: one.person for one in store().participants()}
    return class_frame((row for row in store().listed() if isinstance(row, Run)), people)
