"""What a run's own network was built from, and what has become of that file. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.language import _, comma, paragraph
from core.zoo.own_source import DIGITS, KeptSource, Since


def source_sentence(kept: KeptSource, now: Since, beside: Sequence[str] = ()) -> str:
    """The file, the first digits of its SHA-256, and whether it is still the same.

    `beside` are the files that it imports from its folder.
    """
    name, digits = Path(kept.path).name, kept.sha256[:DIGITS]
    if beside:
        return _of_files(name, comma().join(beside), digits, now)
    if now is Since.SAME:
        return _(
            "Its network is that of {name}, whose SHA-256 begins with {digits}, as the file still"
            " is.",
            name=name,
            digits=digits,
        )
    return paragraph(
        _(
            "Its network is that of {name}, whose SHA-256 begins with {digits}.",
            name=name,
            digits=digits,
        ),
        _("The file is gone; the run keeps and uses what it was.")
        if now is Since.GONE
        else _("The file has changed since; the run keeps and uses what it was."),
    )


def _of_files(name: str, others: str, digits: str, now: Since) -> str:
    """The same of a file that imports others."""
    if now is Since.SAME:
        return _(
            "Its network is that of {name} with {others} (SHA-256 {digits}), as these files still"
            " are.",
            name=name,
            others=others,
            digits=digits,
        )
    return paragraph(
        _(
            "Its network is that of {name} with {others} (SHA-256 {digits}).",
            name=name,
            others=others,
            digits=digits,
        ),
        _("The file is gone; the run keeps and uses what it was.")
        if now is Since.GONE
        else _("One of these files has changed since; the run keeps and uses what it was."),
    )
