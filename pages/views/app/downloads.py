"""Download buttons: the file is made on the click, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import pandas as pd
import streamlit as st

from core.jobs.people import Person
from core.language import ENGLISH, in_language, language
from core.report.tables.csv import to_csv
from core.specs import LabError
from pages.views.people.visitor import acting_for, visitor

_said: ContextVar[list[str]] = ContextVar("_said")  # by files that could not be made


def download_csv(label: str, make: Callable[[], pd.DataFrame], name: str, key: str) -> None:
    """A button that downloads the frame as CSV, UTF-8 with the mark that spreadsheets look for.

    `make` is called in English, whatever the page speaks: programs read CSV.
    """

    def written() -> bytes:
        with in_language(ENGLISH):
            return to_csv(make()).encode("utf-8-sig")

    download_file(label, written, name, key, "text/csv")


def download_file(
    label: str,
    make: Callable[[], bytes],
    name: str,
    key: str,
    mime: str = "application/octet-stream",
    help_text: str | None = None,
) -> None:
    """A button that downloads what `make` gives, in a thread of its own: it must not draw."""
    spoken, person = language(), visitor()  # that thread has no visit of which to ask them
    st.download_button(
        label,
        lambda: _made(make, spoken, person),
        file_name=name,
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        key=key,
        help=help_text,
    )


def _made(make: Callable[[], bytes], spoken: str, person: Person | None) -> bytes:
    """The file; where it cannot be made, its sentence is kept for `sentences_of_downloads`."""
    with in_language(spoken), acting_for(person):
        try:
            return make()
        except LabError as error:
            _said.get([]).append(str(error).partition("\n\n")[0])
            raise


@contextmanager
def sentences_of_downloads() -> Iterator[list[str]]:
    """What files say that cannot be made inside, also in a thread that is started there."""
    token = _said.set([])
    try:
        yield _said.get()
    finally:
        _said.reset(token)
