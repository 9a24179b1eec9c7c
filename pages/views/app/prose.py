"""Running text whose words of the field are explained where they first stand on a page; no line of
it ends between a number and its unit.

Such a word is a link into the glossary: its title is read out, shown on hover and on focus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

import streamlit as st

from core.explain.glossary import WORDS, find_term
from core.explain.terms.term import Term
from core.report import formats
from pages.views.app.language import in_this_language

_LEFT_ALONE = r"`[^`]*`|\$[^$]*\$|!?\[[^\]]*\]\([^)]*\)|https?://\S+"  # code, formulas, links
_PIECE = re.compile(f"{_LEFT_ALONE}|{WORDS.pattern}", re.IGNORECASE)
_CHARACTER = "[\u3400-\u9fff]"
# Between characters asterisks beside a link mean nothing to Markdown, nor do those behind
# punctuation unless a space follows, which Chinese does not have
_TIGHT = re.compile(
    rf"(?<={_CHARACTER}\*)(?=\[)|(?<={_CHARACTER}\*\*)(?=\[)|(?<=\))(?=\*{{1,2}}{_CHARACTER})"
)
_LOOSE = re.compile(rf"(?<=[，。：；！？）”])(\*{{1,2}}) (?={_CHARACTER})")
_JOINER = "\u2060"  # no width, no space, no punctuation
_met: ContextVar[set[str] | None] = ContextVar("met", default=None)  # on the page that is drawn


@contextmanager
def words_explained() -> Iterator[None]:
    """Inside, each word is explained once; a fragment that runs alone explains its own anew."""
    before = _met.set(set())
    try:
        yield
    finally:
        _met.reset(before)


def marked(text: str) -> str:
    """Markdown with each word of the glossary as a link to it where the word first stands."""
    met = _met.get()
    known = set() if met is None else met

    def link(piece: re.Match[str]) -> str:
        word = piece["word"]
        term = find_term(word) if word else None
        if term is None or term.name in known:
            return piece[0]
        known.add(term.name)
        return f'[{word}]({address_of(term)} "{term.explanation}")'

    linked = _TIGHT.sub(_JOINER, _PIECE.sub(link, text))
    return formats.kept_together(_LOOSE.sub(rf"{_JOINER}\1", linked))


def address_of(term: Term) -> str:
    """Of the term in the glossary, relative to any page."""
    return in_this_language(f"glossary?term={quote(term.name, safe='')}")


def caption(text: str) -> None:
    """As st.caption, with the words explained."""
    st.caption(marked(text))


def markdown(text: str) -> None:
    """As st.markdown, with the words explained."""
    st.markdown(marked(text))
