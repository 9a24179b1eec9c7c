"""Answers to the readers' questions: worked out once, shown on the overview and at the proof."""

from __future__ import annotations

import streamlit as st

from core.language import language
from core.report.questions.catalogue import QUESTIONS
from core.report.questions.question import Evidence, Question
from core.studies.shipped_studies import shipped_study
from pages.views.app.services import shipped
from pages.views.app.with_torch import analysis_of, device_report_if_loaded

_EVIDENCE = Evidence(analysis_of, shipped, shipped_study, device_report_if_loaded)


def answer_to(question: Question) -> str:
    """In one line."""
    if question.is_of_this_machine:
        return question.answer(_EVIDENCE)
    return _answer(question.name, language())


@st.cache_resource(show_spinner=False)
def _answer(name: str, spoken: str) -> str:
    """What it is computed from never changes while the server runs; `spoken`: the language."""
    return QUESTIONS[name].answer(_EVIDENCE)
