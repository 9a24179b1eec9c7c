"""The words of the field that the pages use, each with one sentence and its source.

The only place where a word is explained: help texts, marked words and the page take it from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from core.explain.terms import (
    chinese,
    costs,
    devices,
    inside,
    residual,
    shapes,
    statistics,
    training,
)
from core.explain.terms.term import Term
from core.language import N_, _
from core.specs import LabError

GLOSSARY: Mapping[str, tuple[Term, ...]] = {  # group → its terms
    N_("Costs"): costs.TERMS,
    N_("Layers and shapes"): shapes.TERMS,
    N_("Residual and Inception"): residual.TERMS,
    N_("Training"): training.TERMS,
    N_("Inside a network"): inside.TERMS,
    N_("Statistics"): statistics.TERMS,
    N_("Devices and files"): devices.TERMS,
}
_BY_WORD = {
    word.lower(): term for terms in GLOSSARY.values() for term in terms for word in term.words
}


_CHINESE, _LETTER = "[\u4e00-\u9fff]", r"[^\W\u4e00-\u9fff]"


def _any_of(words: Iterable[str]) -> str:
    """The longest first; a single sign of Chinese stands inside too many other words."""
    longest = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word) for word in longest if len(word) > 1)


def _beginning_in(words: Iterable[str], sign: str) -> list[str]:
    return [word for word in words if re.match(sign, word)]


# Any of them, as a word of its own: Chinese has nothing between its words, so that other words
# which hold one are passed over, without a group.
WORDS = re.compile(
    _any_of(chinese.OTHER_WORDS)
    + f"|(?P<word>(?={_CHINESE})(?:{_any_of(_beginning_in(_BY_WORD, _CHINESE))})"
    + rf"|(?<!{_LETTER})(?<![/-])(?<!{_LETTER}\.)(?:{_any_of(_beginning_in(_BY_WORD, _LETTER))}))"
    + rf"(?:(?<={_CHINESE})|(?!{_LETTER}|[/-]|\.{_LETTER}))",
    re.IGNORECASE,
)


def find_term(word: str) -> Term:
    """The term of this name or alias in any language, in capitals or not.

    Raises LabError for another word.
    """
    term = _BY_WORD.get(word.lower())
    if term is None:
        raise LabError(
            "The glossary has no {word}; search it for a part of the word.", word=repr(word)
        )
    return term


def explained(*words: str) -> str:
    """What a control's, a card's or a column's help says of these words. Raises LabError."""
    terms = [find_term(word) for word in words]
    if len(terms) == 1:
        return terms[0].explanation
    return "\n\n".join(
        _("**{term}**: {explanation}", term=term.title, explanation=term.explanation)
        for term in terms
    )


def terms_with(words: str) -> dict[str, list[Term]]:
    """Group → its terms that have all of these words in their name, aliases or sentence."""
    wanted = words.lower().split()
    found = {
        group: [term for term in terms if all(word in _text(term) for word in wanted)]
        for group, terms in GLOSSARY.items()
    }
    return {group: terms for group, terms in found.items() if terms}


def _text(term: Term) -> str:
    """What is searched, in English and in the reader's language."""
    return " ".join((*term.words, term.sentence, _(term.sentence))).lower()
