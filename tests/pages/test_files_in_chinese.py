"""What is taken out of the lab for programs is the same, whatever the page speaks."""

from __future__ import annotations

import re

import pytest
import streamlit as st

from core.language import CHINESE
from tests.pages.opening import open_page

_CSV = re.compile(rb'download="([^"]+)" href="(data:text/csv;base64,[^"]*)')

pytestmark = pytest.mark.slow


@pytest.fixture
def files_of(monkeypatch):
    """The files that a page offers, by their names; of a handout the CSVs in it."""
    offered = {}

    def offer(_label, data, file_name, **_how):
        offered[file_name] = data

    monkeypatch.setattr(st, "download_button", offer)

    def files(page: str, **parameters: str) -> dict[str, object]:
        offered.clear()
        assert not open_page(page, **parameters).exception
        made = {name: make() for name, make in offered.items() if name.endswith((".csv", ".html"))}
        return {
            name: _CSV.findall(data) if name.endswith(".html") else data
            for name, data in made.items()
        }

    return files


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("pages/inside.py", {"in_view": "Maps"}),
        ("pages/inside.py", {"in_view": "Why"}),
        ("pages/inside.py", {"in_view": "Errors"}),
        ("pages/inside.py", {"in_view": "Two networks", "in_other": "lab/scaling"}),
        ("pages/compare.py", {}),
        ("pages/calculators.py", {}),
        ("pages/gradients.py", {}),
    ],
)
def test_files_are_the_same_in_every_language(files_of, page, parameters):
    english = files_of(page, **parameters)
    assert english and all(english.values())
    assert files_of(page, lang=CHINESE, **parameters) == english
