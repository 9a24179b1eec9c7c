"""The question with which a visitor came from the overview: shown again at the view that proves it.

The questions bring in statistics (SciPy), so they are imported only where one is asked.
"""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.analysis.records import Analysis
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown

ASKED = "asked"  # the address's parameter that names it


def asked_question() -> None:
    """The question, its answer, and the way back to all of them; nothing without a question."""
    name = st.query_params.get(ASKED)
    if not name:
        return
    from core.report.questions.catalogue import QUESTIONS
    from pages.views.app.answers import answer_to

    question = QUESTIONS.get(name)
    if question is None:
        return
    with st.container(border=True, gap="xxsmall", key="asked_question"):
        st.markdown(f"**{escaped(question.text)}**")
        markdown(escaped(answer_to(question)))
        st.page_link("dashboard.py", label="All questions", icon=":material/arrow_back:")


def decisive(analysis: Analysis, rows: Iterable[str]) -> frozenset[str]:
    """Those of the rows that answer the question; none without one."""
    name = st.query_params.get(ASKED)
    if not name:
        return frozenset()
    from core.report.questions.catalogue import QUESTIONS

    question = QUESTIONS.get(name)
    return frozenset(row for row in rows if question and question.marks(analysis, row))
