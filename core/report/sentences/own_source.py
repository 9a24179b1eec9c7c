"""What a run's own network was built from, and what has become of that file. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.zoo.own_source import DIGITS, KeptSource, Since


def source_sentence(kept: KeptSource, now: Since, beside: Sequence[str] = ()) -> str:
    """The file, the first digits of its SHA-256, and whether it is still the same.

    `beside` are the files that it imports from its folder.
    """
    name, digits = Path(kept.path).name, kept.sha256[:DIGITS]
    text = f"Its network is that of {name}, whose SHA-256 begins with {digits}"
    one = "The file"
    if beside:
        text = f"Its network is that of {name} with {', '.join(beside)} (SHA-256 {digits})"
        one = "One of these files"
    match now:
        case Since.SAME:
            return f"{text}, as {'these files still are' if beside else 'the file still is'}."
        case Since.CHANGED:
            return f"{text}. {one} has changed since; the run keeps and uses what it was."
        case Since.GONE:
            return f"{text}. The file is gone; the run keeps and uses what it was."
