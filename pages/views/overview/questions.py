"""The readers' questions on the overview, each with its answer and the view that proves it."""

from __future__ import annotations

import streamlit as st

from core.report.questions.catalogue import GROUPS
from core.report.questions.question import Question
from pages.views.app.address import go_to
from pages.views.app.answers import answer_to
from pages.views.app.asked import ASKED
from pages.views.app.messages import escaped
from pages.views.app.prose import caption


def questions_view() -> None:
    """All of them by group, or those that have what is typed."""
    words = st.text_input(
        "Find a question",
        key="find",
        type="search",
        live=True,
        bind="query-params",
        max_chars=100,
        icon=":material/search:",
        placeholder="parameters, 7 × 7, memory, shortcut …",
        help="Shows the questions that have all of these words in them or in their answers.",
    )
    found = False
    for group, questions in GROUPS.items():
        answers = [(question, answer_to(question)) for question in questions]
        shown = [pair for pair in answers if pair[0].has(words or "", f"{group} {pair[1]}")]
        if shown:
            found = True
            st.subheader(group, anchor=False)
            for question, answer in shown:
                _show(question, answer)
    if not found:
        st.info("No question has all of these words; try fewer.", icon=":material/search_off:")


def _show(question: Question, answer: str) -> None:
    """A question, its answer and where it comes from."""
    with st.container(gap="xxsmall"):
        if st.button(
            escaped(question.text),
            key=f"question_{question.name}",
            type="tertiary",
            icon=":material/arrow_forward:",
            wrap=True,
            help="Opens the view that proves it, with everything set.",
        ):
            go_to(f"pages/{question.page}.py", {**question.address, ASKED: question.name})
        source = " From what comes with the lab, trained or measured."
        caption(escaped(answer) + (source if question.needs_runs else ""))
