"""What a run's own network was built from, and what has become of that file. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from core.zoo.own_source import DIGITS, KeptSource, Since


def source_sentence(kept: KeptSource, now: Since) -> str:
    """The file, the first digits of its SHA-256, and whether it is still the same."""
    name = Path(kept.path).name
    text = f"Its network is that of {name} with the SHA-256 {kept.sha256[:DIGITS]}…"
    match now:
        case Since.SAME:
            return f"{text}, as the file still is."
        case Since.CHANGED:
            return f"{text}. The file has changed since; the run keeps and uses what it was."
        case Since.GONE:
            return f"{text}. The file is gone; the run keeps and uses what it was."
