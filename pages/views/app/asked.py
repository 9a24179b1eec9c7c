"""The question with which a visitor came from the overview, again at the view that proves it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.analysis.records import Analysis
from core.language import _
from core.report.questions.catalogue import QUESTIONS
from core.report.questions.question import Question
from pages.views.app.answers import answer_to
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown

ASKED = "asked"  # the address's parameter that names it
_NETWORK = {  # parameters that say which; their defaults
    "net_network": "vgg11",
    "networks": "",
    "in_network": "lab/residual",
}


def asked_question(page: str) -> None:
    """The question, its answer, and the way back to all of them; nothing without a question."""
    question = _question(page)
    if question is None:
        return
    with st.container(border=True, gap="xxsmall", key="asked_question"):
        st.markdown(f"**{escaped(_(question.text))}**")
        markdown(escaped(answer_to(question)))
        st.page_link("dashboard.py", label=_("All questions"), icon=":material/arrow_back:")


def decisive(analysis: Analysis, rows: Iterable[str]) -> frozenset[str]:
    """Those of the rows of Architecture that answer the question; none without one."""
    question = _question("architecture")
    return frozenset(row for row in rows if question and question.marks(analysis, row))


def _question(page: str) -> Question | None:
    """The one that the address names, where the page still shows what it is about."""
    name = st.query_params.get(ASKED)
    if not name:
        return None
    question = QUESTIONS.get(name)
    if question is None or question.page != page:
        return None
    about = {key: value for key, value in question.address.items() if key in _NETWORK}
    is_shown = all(st.query_params.get(key, _NETWORK[key]) == about[key] for key in about)
    return question if is_shown else None
