"""Sentences for the reader: what core says is data, so it is shown as plain text, not Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.report import formats
from core.specs import LabError

_MARKDOWN = re.compile(r"([\\`*\[\]<>#!|$~]|(?<![^\W_])_|_(?![^\W_]))")
_DIRECTIVE = re.compile(r":(?=\w)")  # of a color, an icon, an emoji: Streamlit's own, :red[...]
_NO_BREAK = "\u2060"  # takes no room


def escaped(text: str) -> str:
    """`text` with every character that Markdown would act on escaped; no number loses its unit."""
    plain = _DIRECTIVE.sub(f":{_NO_BREAK}", _MARKDOWN.sub(r"\\\1", text))
    return formats.kept_together(plain)


def show_error(error: LabError | str) -> None:
    """One sentence in a red box; what stands below it, such as a traceback, as it is."""
    sentence, _, rest = str(error).partition("\n\n")
    st.error(escaped(sentence), icon=":material/error:")
    if rest:
        st.code(rest, language=None, wrap_lines=True)


@contextmanager
def errors_in_one_sentence() -> Iterator[None]:
    """A LabError inside becomes one sentence on the page; fragments and dialogs need their own."""
    try:
        yield
    except LabError as error:
        show_error(error)
