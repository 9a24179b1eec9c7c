"""The language of a visit: its browser's, until it is chosen; the address keeps what is chosen."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.language import CHINESE, ENGLISH
from pages.views.app import language as visit_language
from tests.pages.opening import as_read, open_page

PAGES = {  # page → its name in the menu
    "dashboard.py": "CNN 架构实验室",
    "pages/architecture.py": "VGG-11（224 px）",
    "pages/runs.py": "运行记录",
    "pages/glossary.py": "术语表",
}


def in_chinese(page: str = "dashboard.py", **parameters: str) -> AppTest:
    return open_page(page, lang=CHINESE, **parameters)


@pytest.mark.parametrize("page", PAGES)
def test_the_address_chooses_it(page):
    assert as_read(in_chinese(page).title[0].value) == PAGES[page]


def test_a_short_name_and_the_browser_choose_it_too(monkeypatch):
    assert open_page("pages/runs.py", lang="zh").title[0].value == PAGES["pages/runs.py"]
    monkeypatch.setattr(visit_language, "_of_browser", lambda: CHINESE)
    app = open_page("pages/runs.py")
    assert app.title[0].value == PAGES["pages/runs.py"] and "lang" not in app.query_params


def test_what_is_chosen_is_kept_in_the_address_and_from_page_to_page():
    app = open_page("pages/runs.py")
    assert app.title[0].value == "Runs" and "lang" not in app.query_params
    app.button_group(key="lang").set_value(CHINESE).run()
    assert app.title[0].value == PAGES["pages/runs.py"]
    assert app.query_params["lang"] == CHINESE
    app.query_params.clear()
    app.switch_page("pages/glossary.py").run()
    assert app.title[0].value == PAGES["pages/glossary.py"]
    assert app.query_params["lang"] == CHINESE
    app.button_group(key="lang").set_value(ENGLISH).run()
    assert app.title[0].value == "Glossary" and "lang" not in app.query_params


def test_a_language_that_nobody_has_is_told():
    app = open_page("pages/runs.py", lang="tlh")
    assert app.title[0].value == "Runs" and "lang=tlh" in app.warning[0].value


def test_errors_are_said_in_it():
    assert "没有" in in_chinese("pages/train.py", run="999").error[0].value


def test_the_browser_is_told_the_language_and_the_words_of_streamlit():
    told = [html.proto.body for html in in_chinese().get("html")]
    assert any('data-language="zh-Hans"' in body and "全选" in body for body in told)
