"""How much room text takes, before anything draws it. Imports no torch.

A Chinese character is as wide as the font is large, about two Latin letters, and a line may end
behind it.
"""

from __future__ import annotations

import re
from textwrap import wrap
from unicodedata import east_asian_width

_FONT = 12  # pixels, of what stands in figures
_SQUARE = 2.1  # letters
_WIDE = "\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60"
_OPENING, _CLOSING = "（《【“", "，。、：；？！）》】”"
_UNBROKEN = re.compile(  # a word or a wide character, with the marks that must not leave it
    rf"[{_OPENING}]*(?:[{_WIDE}]|[^ \n{_WIDE}{_OPENING}{_CLOSING}]+)[{_CLOSING}]*|[ \n]+|."
)


def is_wide(char: str) -> bool:
    """Whether it is a square, as Chinese characters and their punctuation are."""
    return east_asian_width(char) in "WF"


def letters(text: str) -> int:
    """As many Latin letters are as wide."""
    return sum(2 if is_wide(char) else 1 for char in text)


def pixels(text: str, letter: float) -> float:
    """Of a line in a figure; `letter`: the width of a Latin one."""
    return sum(_FONT if is_wide(char) else letter for char in text)


def wrapped(text: str, most: int) -> list[str]:
    """In lines as wide as `most` letters; no punctuation begins a line, and some ends one
    where that leaves it half full.
    """
    if not any(map(is_wide, text)):
        return wrap(text, most)
    lines = [""]
    for piece in _UNBROKEN.findall(text):
        if lines[-1] and _room(lines[-1] + piece.rstrip()) > most:
            lines[-1:] = _ended(lines[-1], most)
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def _room(text: str) -> float:
    """In letters of a sentence, which are narrower than half a square."""
    return sum(_SQUARE if is_wide(char) else 1 for char in text)


def _ended(line: str, most: int) -> tuple[str, str]:
    """The full line, and what begins the next one."""
    end = max(map(line.rfind, _CLOSING)) + 1
    return (line[:end], line[end:].lstrip()) if _room(line[:end]) >= most / 2 else (line, "")
