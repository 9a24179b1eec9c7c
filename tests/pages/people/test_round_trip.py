"""To the provider and back to the address that was asked for, and to no other host."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pages.views.app.server import lab_routes
from pages.views.people import round_trip
from pages.views.people.round_trip import RoundTrip, own_address, sign_in_address
from tests.pages.app.asgi import Reply, get
from tests.pages.people.signed_in import SETTINGS

OWN = ("/", "/runs", "/train?run=1", "/architecture?net=a&net_ratio=4&lang=zh-Hans", "/x?q=%E4%B8")
FOREIGN = (
    *("", "runs", "//evil.example", "/\\evil.example", "https://evil.example/", "/%2f/evil"),
    *("/runs/../x", "/a//evil.example", "/runs?x=\r\nSet-Cookie: a=b", "/runs?a b", "/runs#x"),
    *("/runs?" + 3000 * "x", "javascript:alert(1)", "/ evil", "/runs?x=é", "/@evil.example"),
)


@pytest.mark.parametrize("text", OWN)
def test_an_address_of_the_lab_is_kept(text):
    assert own_address(text) == text


@pytest.mark.parametrize("text", FOREIGN, ids=range(len(FOREIGN)))
def test_any_other_becomes_the_overview(text):
    assert own_address(text) == "/"


def test_under_a_path_only_what_stands_under_it_is_the_labs(monkeypatch):
    monkeypatch.setattr(round_trip, "base_path", lambda: "/deep/lab/")
    assert own_address("/deep/lab/runs?run=1") == "/deep/lab/runs?run=1"
    assert own_address("/runs") == own_address("/deep/lab//evil.example") == "/deep/lab/"


def provider_says(*cookies: str, status: int = 302, to: str = "/"):
    """Streamlit's three steps as they answer, with the lab's middleware around them."""

    async def answer(_request) -> Response:
        response = RedirectResponse(to) if status == 302 else Response("Sorry", status)
        response.status_code = status
        for cookie in cookies:
            response.headers.append("set-cookie", cookie)
        return response

    paths = ("/auth/login", "/oauth2callback", "/auth/logout", "/other")
    return Starlette(
        routes=[*(Route(path, answer) for path in paths), *lab_routes()],
        middleware=[Middleware(RoundTrip)],
    )


def kept(asked: str) -> str:
    return f"lab_asked={quote(asked, safe='')}"


def location(reply: Reply) -> str:
    assert reply.status == 302
    return reply.headers["location"]


def test_who_has_signed_in_comes_to_the_address_that_was_asked_for():
    app = provider_says("_streamlit_user=signed; Path=/; Max-Age=2592000")
    reply = get(app, "/oauth2callback?state=x&code=y", cookie=kept("/runs?run=1"))
    assert location(reply) == "/runs?run=1"
    assert reply.headers["set-cookie"].startswith("lab_asked=; ")


def test_no_cookie_leads_to_another_host():
    app = provider_says("_streamlit_user=signed; Path=/")
    for foreign in FOREIGN:
        assert location(get(app, "/oauth2callback", cookie=kept(foreign))) == "/"


def test_who_was_refused_comes_back_to_the_card_which_says_so():
    gone = '_streamlit_user=""; Max-Age=0; Path=/'
    for app in (provider_says(), provider_says(gone)):
        reply = get(app, "/oauth2callback?error=access_denied", cookie=kept("/runs"))
        assert location(reply) == "/runs" and "lab_sign_in_failed=1" in reply.headers["set-cookie"]


def test_a_provider_that_does_not_answer_leads_back_to_the_card():
    reply = get(provider_says(status=400), "/auth/login", cookie=kept("/runs"))
    assert location(reply) == "/runs" and "lab_sign_in_failed=1" in reply.headers["set-cookie"]


def test_coming_back_from_signing_out_is_no_failure():
    reply = get(provider_says(), "/oauth2callback?state=signed-out")
    assert location(reply) == "/" and "set-cookie" not in reply.headers


def test_a_provider_is_left_with_a_state_with_which_it_comes_back():
    far = provider_says(to="https://provider.example/end?client_id=lab")
    assert location(get(far, "/auth/logout")).endswith("/end?client_id=lab&state=signed-out")
    assert location(get(provider_says(), "/auth/logout")) == "/"


def test_other_addresses_are_left_alone():
    reply = get(provider_says(), "/other", cookie=kept("/runs"))
    assert location(reply) == "/" and "set-cookie" not in reply.headers


def test_signing_in_keeps_the_address_and_leads_to_streamlits_own_way(people_sign_in):
    reply = get(provider_says(), sign_in_address("/train?run=1"))
    assert location(reply).startswith("/auth/login?provider=")
    assert reply.headers["set-cookie"].startswith(kept("/train?run=1") + "; ")
    assert "HttpOnly; SameSite=Lax" in reply.headers["set-cookie"]


def test_without_settings_the_page_is_shown_that_says_so(people_sign_in):
    people_sign_in({name: value for name, value in SETTINGS.items() if name != "client_id"})
    assert location(get(provider_says(), sign_in_address("/runs"))) == "/runs"
