"""Tests in which somebody has signed in: the settings that this needs, claims, cookies, pages."""

from __future__ import annotations

import json

import pytest
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.jobs.people import Person, person_of
from tests.pages.opening import PROJECT

ORIGIN = "https://lab.school.example"
SECRET = "0123456789abcdef0123456789abcdef"
SETTINGS = {
    "redirect_uri": f"{ORIGIN}/oauth2callback",
    "cookie_secret": SECRET,
    "client_id": "lab",
    "client_secret": "nobody knows",
    "server_metadata_url": "https://provider.example/.well-known/openid-configuration",
}
TEACHER = "ada@school.example"


def claims(name: str, **others: object) -> dict[str, object]:
    """What the provider says of somebody called so."""
    email = f"{name.lower()}@school.example"
    told = {"iss": "https://provider.example", "sub": name, "name": name, "email": email}
    return told | {"email_verified": True} | others


def person(name: str, **others: object) -> Person:
    return person_of(claims(name, **others))


def cookie(told: dict[str, object], secret: str = SECRET, **others: object) -> str:
    """The header with which this person's browser asks."""
    value = json.dumps(told | {"is_logged_in": True, "origin": ORIGIN} | others)
    return f"{USER_COOKIE_NAME}={create_signed_value(secret, USER_COOKIE_NAME, value).decode()}"


@pytest.fixture
def people_sign_in(monkeypatch):
    """LAB_AUTH=oidc with settings that do; called with others it is those."""

    def write(settings: dict[str, str]) -> None:
        monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": settings})

    monkeypatch.setenv("LAB_AUTH", "oidc")
    monkeypatch.setenv("LAB_TEACHERS", TEACHER)
    write(SETTINGS)
    return write


def open_as(name: str | None, page: str = "dashboard.py", **parameters: str) -> AppTest:
    """The page as this person sees it first, or a stranger; without an exception."""
    app = AppTest.from_file(PROJECT / "dashboard.py", default_timeout=60)
    app.user = claims(name, is_logged_in=True) if name else {"is_logged_in": False}
    for key, value in parameters.items():
        app.query_params[key] = value
    if page != "dashboard.py":
        app.switch_page(page)
    app.run()
    assert not app.exception
    return app
