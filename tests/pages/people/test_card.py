"""A stranger sees a card on every page and nothing else; wrong settings are one sentence."""

from __future__ import annotations

import ast

import pytest

from core.jobs import store as store_module
from pages.views.app.frame import PAGES
from pages.views.people import settings
from tests.pages.opening import PROJECT, finished_run, shown
from tests.pages.people.signed_in import SETTINGS, open_as

FILES = [path for path, _name, _icon in PAGES]
WRONG = {
    "nothing": ({}, "does not say redirect_uri, cookie_secret"),
    "no client": (SETTINGS | {"client_id": ""}, "does not say client_id"),
    "a short secret": (SETTINGS | {"cookie_secret": "class"}, "fewer than 32 characters"),
    "another address": (SETTINGS | {"redirect_uri": "https://lab.example/"}, "/oauth2callback"),
}


@pytest.mark.parametrize("page", FILES)
def test_a_stranger_sees_a_card_and_the_store_is_not_opened(people_sign_in, monkeypatch, page):
    def opened(*_: object) -> None:
        raise AssertionError("the store was opened")

    monkeypatch.setattr(store_module.Store, "__init__", opened)
    app = open_as(None, page, run="1", study="x")
    assert app.title[0].value == "CNN Architecture Lab"
    assert len(app.title) == 1 and not app.button and not app.sidebar.children
    assert "lab/sign-in?to=%2F" in shown(app) and not app.error


@pytest.mark.parametrize("page", FILES)
def test_a_page_does_nothing_outside_of_its_frame(page):
    """Whatever stands beside `with page_frame(...)` would run for strangers too."""
    body = ast.parse((PROJECT / page).read_text()).body
    if page == "dashboard.py":
        [body] = [part.body for part in body if isinstance(part, ast.If)]
    harmless = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign
    others = [part for part in body if not isinstance(part, harmless | ast.AnnAssign | ast.Expr)]
    assert [type(part) for part in others] == [ast.With]
    assert ast.unparse(others[0].items[0]).startswith("page_frame(")
    assert all(isinstance(part.value, ast.Constant) for part in body if isinstance(part, ast.Expr))


def test_the_card_names_the_page_and_speaks_as_the_address_says(people_sign_in):
    app = open_as(None, "pages/runs.py", lang="zh-Hans", ticked="1-2")
    assert app.subheader[0].value == "运行记录"
    assert "%3Flang%3Dzh-Hans%26ticked%3D1-2" in shown(app)


@pytest.mark.parametrize(("wrong", "said"), WRONG.values(), ids=WRONG)
def test_settings_that_are_wrong_are_one_sentence_for_everybody(people_sign_in, wrong, said):
    people_sign_in(wrong)
    for who in (None, "Bob"):
        app = open_as(who, "pages/runs.py")
        assert said in app.error[0].value.replace("\\", "") and not app.title


def test_without_authlib_one_sentence_says_what_to_install(people_sign_in, monkeypatch):
    monkeypatch.setattr(settings, "is_authlib_installed", lambda: False)
    assert "requirements-server.txt" in open_as("Bob").error[0].value


def test_a_misspelled_way_to_sign_in_lets_nobody_in(people_sign_in, monkeypatch):
    monkeypatch.setenv("LAB_AUTH", "OIDC")
    finished_run()
    app = open_as("Bob", "pages/runs.py")
    assert "LAB_AUTH is oidc or nothing" in app.error[0].value and not app.dataframe


def test_who_has_signed_in_sees_the_page_and_their_name(people_sign_in):
    page = shown(open_as("<b>Bob</b>", "pages/calculators.py"))
    assert "&lt;b&gt;Bob&lt;/b&gt;" in page and "Sign out" in page


def test_signing_out_ends_on_the_card(people_sign_in):
    app = open_as("Bob", "pages/calculators.py")
    app.button(key="sign_out").click().run()
    app.run()
    assert "lab/sign-in" in shown(app) and not app.button


def test_without_lab_auth_there_is_no_card_and_no_name(monkeypatch):
    page = shown(open_as(None, "pages/calculators.py"))
    assert "sign-in" not in page and "Sign out" not in page
