"""What the Dockerfile says, as far as tests ask."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage: their word and what follows it."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest.strip()))
    return found


def last(word: str) -> str:
    """What the last stage says behind this word."""
    return next(rest for name, rest in stages()[-1] if name == word)


def environment() -> dict[str, str]:
    """What the image sets for its processes."""
    pairs = (pair.partition("=") for pair in shlex.split(last("ENV")))
    return {name: value for name, _, value in pairs}


def command(word: str) -> list[str]:
    """CMD or HEALTHCHECK as arguments."""
    arguments = re.search(r"\[.*\]", last(word))
    assert arguments is not None
    return json.loads(arguments[0])
