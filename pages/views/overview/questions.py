"""The readers' questions on the overview, each with its answer and the view that proves it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.language import _, paragraph
from core.report.questions.catalogue import GROUPS, QUESTIONS
from core.report.questions.question import Question
from pages.views.app.address import go_to
from pages.views.app.answers import answer_to
from pages.views.app.asked import ASKED
from pages.views.app.messages import escaped
from pages.views.app.prose import caption
from pages.views.forms.names import pick_name

_STYLE = """<style>
[class*="st-key-questions_"] {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr));
  column-gap: 2.5rem; row-gap: 1rem; align-items: start;
}
[class*="st-key-question_"] button { text-align: left; min-height: 1.5rem; }
[class*="st-key-question_"] button p { font-weight: 600; }
</style>"""


def questions_view() -> None:
    """One group of them, or those of all groups that have what is typed."""
    st.html(_STYLE)
    words = st.text_input(
        _("Find a question"),
        key="find",
        type="search",
        live=True,
        bind="query-params",
        max_chars=100,
        icon=":material/search:",
        placeholder=_("parameters, 7 × 7, memory, shortcut …"),
        help=_("Shows the questions that have all of these words in them or in their answers."),
    )
    is_search = bool(words and words.strip())
    group = pick_name(
        _("Questions about"),
        {group: f"{_(group)} {len(questions)}" for group, questions in GROUPS.items()},
        next(iter(GROUPS)),
        "group",
        is_shown=not is_search,  # a search goes through all of them
        draw=st.pills,
        label_visibility="collapsed",
    )
    if is_search:
        _found(words)
        return
    _show(group, [(question, answer_to(question)) for question in GROUPS[group]])


def _found(words: str) -> None:
    """Those of all groups that have every one of these words, under their groups."""
    found = {
        group: [
            (question, answer)
            for question in questions
            if question.has(words, f"{group} {_(group)} {(answer := answer_to(question))}")
        ]
        for group, questions in GROUPS.items()
    }
    number = sum(map(len, found.values()))
    if not number:
        st.info(_("No question has all of these words; try fewer."), icon=":material/search_off:")
        return
    st.caption(_("{found} of {all} questions", found=number, all=len(QUESTIONS)))
    for group, pairs in found.items():
        if pairs:
            st.subheader(_(group), anchor=False)
            _show(group, pairs)


def _show(group: str, pairs: Sequence[tuple[Question, str]]) -> None:
    """Questions with their answers: two beside each other where there is room."""
    with st.container(key=f"questions_{list(GROUPS).index(group)}"):
        for question, answer in pairs:
            with st.container(gap="xxsmall"):
                if st.button(
                    escaped(_(question.text)),
                    key=f"question_{question.name}",
                    type="tertiary",
                    wrap=True,
                    help=_("Opens the view that proves it, with everything set."),
                ):
                    go_to(f"pages/{question.page}.py", {**question.address, ASKED: question.name})
                source = _("From what comes with the lab, trained or measured.")
                caption(paragraph(escaped(answer), source if question.needs_runs else ""))
