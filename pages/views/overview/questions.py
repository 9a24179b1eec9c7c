"""The readers' questions on the overview, each with its answer and the view that proves it."""

from __future__ import annotations

import streamlit as st

from core.report.questions import QUESTIONS, Evidence, Question
from pages.views.app.address import go_to
from pages.views.app.messages import escaped
from pages.views.app.services import shipped
from pages.views.app.with_torch import analysis_of


def questions_view() -> None:
    """All of them by group, or those that have what is typed."""
    words = st.text_input(
        "Find a question",
        key="find",
        bind="query-params",
        max_chars=100,
        placeholder="parameters, 7 × 7, memory, shortcut …",
        help="Shows the questions that have all of these words in them or in their answers.",
    )
    group = None
    for index, question in enumerate(QUESTIONS):
        answer = _answer(index)
        if not question.has(words, answer):
            continue
        if question.group != group:
            group = question.group
            st.markdown(f"**{group}**")
        _show(question, answer, f"question_{index}")
    if group is None:
        st.info("No question has all of these words; try fewer.", icon=":material/search_off:")


def _show(question: Question, answer: str, key: str) -> None:
    """A question, its answer and where it comes from."""
    with st.container(gap="xxsmall"):
        if st.button(
            escaped(question.text),
            key=key,
            type="tertiary",
            icon=":material/arrow_forward:",
            help="Opens the view that proves it, with everything set.",
        ):
            go_to(f"pages/{question.page}.py", question.address)
        source = " From the runs that come with the lab." if question.needs_runs else ""
        st.caption(escaped(answer) + source)


@st.cache_resource(show_spinner=False)
def _answer(index: int) -> str:
    """In one line; what it is computed from never changes while the server runs."""
    return QUESTIONS[index].answer(Evidence(analysis_of, shipped))
