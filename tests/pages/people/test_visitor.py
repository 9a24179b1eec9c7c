"""Who asks: of pages by the session, of requests without one by the cookie; a stranger is told
nothing.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest
from starlette.applications import Starlette

from core.specs import LabError
from pages.views.app import watched
from pages.views.app.server import lab_routes
from pages.views.app.services import store
from pages.views.app.watched import Watched, name_here, watch
from pages.views.people.visitor import acting_for, visitor
from tests.pages.app.asgi import get
from tests.pages.people.signed_in import SETTINGS, claims, cookie, person

ROUTES = lab_routes()
ASKED = {
    "/lab/glances": "/lab/glances?over=ratio",
    "/lab/watched": "/lab/watched?name=runs",
    "/lab/test-image": "/lab/test-image?dataset=fashion-mini&index=0",
}
BAD_COOKIES = {
    "none": "",
    "not signed": "_streamlit_user=e30",
    "of another secret": cookie(claims("Bob"), "f" * 32),
    "of another lab": cookie(claims("Bob"), origin="https://elsewhere.example"),
    "not signed in": cookie(claims("Bob"), is_logged_in=False),
    "a list": cookie(claims("Bob")).replace("=", "=WzFd", 1),
    "chunks that are not there": cookie(claims("Bob")).partition("=")[0] + "=Y2h1bmtzLTM",
}


def test_every_route_of_the_lab_is_tried_here():
    assert {route.path for route in ROUTES} == {*ASKED, "/lab/news", "/lab/sign-in"}


@pytest.mark.parametrize("address", ASKED.values(), ids=ASKED)
def test_a_request_is_answered_to_who_has_signed_in(people_sign_in, address):
    app = Starlette(routes=ROUTES)
    assert get(app, address, cookie=cookie(claims("Bob"))).status in (200, 400)
    assert get(app, address).status == 401


@pytest.mark.parametrize("bad", BAD_COOKIES.values(), ids=BAD_COOKIES)
def test_a_bad_cookie_is_nobodys(people_sign_in, bad):
    reply = get(Starlette(routes=ROUTES), "/lab/watched?name=runs", cookie=bad)
    assert reply.status == 401 and b"stage" not in reply.body


def test_a_cookie_that_names_nobody_is_told_so(people_sign_in):
    nameless = cookie({"iss": "https://provider.example"})
    reply = get(Starlette(routes=ROUTES), "/lab/watched?name=runs", cookie=nameless)
    assert reply.status == 503 and b"does not say who" in reply.body


def test_an_old_cookie_is_nobodys(people_sign_in, monkeypatch):
    app, old, today = Starlette(routes=ROUTES), {}, time.time()
    for days in (29, 32):
        with monkeypatch.context() as then:
            then.setattr(time, "time", partial(float, today - 24 * 3600 * days))
            old[days] = cookie(claims("Bob"))
    assert get(app, "/lab/watched?name=x", cookie=old[29]).status == 200
    assert get(app, "/lab/watched?name=x", cookie=old[32]).status == 401


def test_a_secret_that_can_be_guessed_lets_nobody_in(people_sign_in):
    people_sign_in(SETTINGS | {"cookie_secret": "class"})
    weak = cookie(claims("Bob"), "class")
    reply = get(Starlette(routes=ROUTES), "/lab/watched?name=runs", cookie=weak)
    assert reply.status == 503 and b"cookie_secret" in reply.body


def test_without_lab_auth_nobody_is_asked():
    app = Starlette(routes=ROUTES)
    assert get(app, "/lab/watched?name=x").status == 200 and visitor() is None


def test_what_is_under_way_is_told_to_who_watches_it(people_sign_in, monkeypatch):
    """Each in their own words: what Ada sees is not what Bob sees, under the same name."""
    monkeypatch.setattr(watched, "_readings", type(watched._readings)())
    app = Starlette(routes=ROUTES)

    def progress(_state: int) -> tuple[float, str]:
        return 0.5, f"of {visitor().name}"

    for name in ("Ada", "Bob"):
        with acting_for(person(name)):
            watch(Watched("runs", lambda: 1, bool, lambda state: state, progress))
    asked = f"/lab/watched?name={name_here('runs')}"
    for name in ("Ada", "Bob"):
        assert f"of {name}".encode() in get(app, asked, cookie=cookie(claims(name))).body
    assert b"unknown" in get(app, asked, cookie=cookie(claims("Eve"))).body


def test_where_nobody_is_known_the_store_stays_closed(people_sign_in):
    with pytest.raises(LabError, match="Nobody is signed in"):
        store()


def test_a_person_is_of_one_thread_and_one_task(people_sign_in):
    async def name(who: str) -> str:
        with acting_for(person(who)):
            await asyncio.sleep(0)
            return visitor().name

    async def both() -> list[str]:
        return await asyncio.gather(name("Ada"), name("Bob"))

    assert asyncio.run(both()) == ["Ada", "Bob"]
    with pytest.raises(LabError):
        visitor()
