"""The words of the field that the pages use, each with one sentence and its source.

The only place where a word is explained: help texts, marked words and the page take it from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.explain.terms import costs, devices, inside, residual, shapes, statistics, training
from core.explain.terms.term import Term
from core.specs import LabError

GLOSSARY: Mapping[str, tuple[Term, ...]] = {  # group → its terms
    "Costs": costs.TERMS,
    "Layers and shapes": shapes.TERMS,
    "Residual and Inception": residual.TERMS,
    "Training": training.TERMS,
    "Inside a network": inside.TERMS,
    "Statistics": statistics.TERMS,
    "Devices and files": devices.TERMS,
}
_BY_WORD = {
    word.lower(): term
    for terms in GLOSSARY.values()
    for term in terms
    for word in (term.name, *term.aliases)
}
WORDS = re.compile(  # any of them, as a word of its own; the longest first
    r"(?<![\w/-])(?<!\w\.)(?:"
    + "|".join(re.escape(word) for word in sorted(_BY_WORD, key=len, reverse=True))
    + r")(?![\w/-]|\.\w)",
    re.IGNORECASE,
)


def find_term(word: str) -> Term:
    """The term of this name or alias, in capitals or not. Raises LabError for another word."""
    term = _BY_WORD.get(word.lower())
    if term is None:
        raise LabError(f"The glossary has no {word!r}; search it for a part of the word.")
    return term


def explained(*words: str) -> str:
    """What a control's, a card's or a column's help says of these words. Raises LabError."""
    terms = [find_term(word) for word in words]
    if len(terms) == 1:
        return terms[0].explanation
    return "\n\n".join(f"**{term.name}**: {term.explanation}" for term in terms)


def terms_with(words: str) -> dict[str, list[Term]]:
    """Group → its terms that have all of these words in their name, aliases or sentence."""
    wanted = words.lower().split()
    found = {
        group: [term for term in terms if all(word in _text(term) for word in wanted)]
        for group, terms in GLOSSARY.items()
    }
    return {group: terms for group, terms in found.items() if terms}


def _text(term: Term) -> str:
    """What is searched."""
    return " ".join((term.name, *term.aliases, term.sentence)).lower()
