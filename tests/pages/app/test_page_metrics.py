"""How long pages take is counted under their English names, and costs nobody anything."""

from __future__ import annotations

import time

import pytest

from pages.views.app.metrics import PAGE_SECONDS, page_timed
from tests.pages.opening import open_page
from tests.prometheus import read_metrics


def counted(page: str) -> float:
    figures = read_metrics(PAGE_SECONDS.lines())
    return figures.get(("lab_page_seconds_count", (("page", page),)), 0)


def test_a_page_is_counted_in_every_language():
    before = counted("Glossary")
    open_page("pages/glossary.py")
    open_page("pages/glossary.py", language="zh-Hans")
    assert counted("Glossary") == before + 2


def test_a_page_that_breaks_off_is_counted_too():
    before = counted("Broken")
    with pytest.raises(ZeroDivisionError), page_timed("Broken"):
        raise ZeroDivisionError
    assert counted("Broken") == before + 1


def test_counting_takes_microseconds():
    began = time.perf_counter()
    for _ in range(1000):
        with page_timed("Quick"):
            pass
    assert time.perf_counter() - began < 0.1  # seconds for a thousand: 2 µs each on a quiet machine
