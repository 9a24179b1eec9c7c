"""The record of one word of the field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A word of the field, in one sentence and with its source."""

    name: str
    sentence: str  # plain text, 20 to 220 characters
    source: str  # paper and section, page of a manual, or this lab's own rule
    url: str = ""  # of the source
    aliases: tuple[str, ...] = ()  # other words and forms that mean the same
    see: tuple[str, ...] = ()  # names of related terms
    met: tuple[str, ...] = ()  # addresses of pages that use it: train, compare?cmp_view=Sweep

    @property
    def explanation(self) -> str:
        """The sentence and where it is from, as a help text or a title shows them."""
        return f"{self.sentence} Source: {self.source}."
