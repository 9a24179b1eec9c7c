"""The record of one word of the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.explain.terms import chinese
from core.language import CHINESE, _, language

# Language → what it calls the terms, by their English names.
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {CHINESE: chinese.WORDS}


@dataclass(frozen=True)
class Term:
    """A word of the field, in one sentence and with its source."""

    name: str  # in English, also in addresses
    sentence: str  # plain text, 20 to 220 characters; a template, as the source is one
    source: str  # paper and section, page of a manual, or this lab's own rule
    url: str = ""  # of the source
    aliases: tuple[str, ...] = ()  # other English words and forms that mean the same
    see: tuple[str, ...] = ()  # names of related terms
    met: tuple[str, ...] = ()  # addresses of pages that use it: train, compare?cmp_view=Sweep

    @property
    def title(self) -> str:
        """Its name for the reader."""
        return self._words_in(language())[0]

    @property
    def forms(self) -> tuple[str, ...]:
        """The reader's other words for it; the English name first where that is not its title."""
        title, *others = self._words_in(language())
        return tuple(others) if title == self.name else (self.name, *others)

    @property
    def words(self) -> tuple[str, ...]:
        """What it is called in any language, by its English name first."""
        others = (word for known in _WORDS.values() for word in known.get(self.name, ()))
        return tuple(dict.fromkeys((self.name, *self.aliases, *others)))

    @property
    def explanation(self) -> str:
        """The sentence and where it is from, as a help text or a title shows them."""
        return _("{sentence} Source: {source}.", sentence=_(self.sentence), source=_(self.source))

    def _words_in(self, spoken: str) -> tuple[str, ...]:
        return _WORDS.get(spoken, {}).get(self.name) or (self.name, *self.aliases)
