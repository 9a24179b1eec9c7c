"""Who visits. With LAB_AUTH=oidc everybody signs in, and pages, files and requests act for whoever
asked for them; where nobody is known, nothing of the store is shown.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.jobs.people import Person, auth, person_of
from core.language import _
from core.specs import LabError
from pages.views.people.settings import check_settings

_acting: ContextVar[Person | None] = ContextVar("_acting", default=None)  # outside of a page's run


def visitor() -> Person | None:
    """For whom this run of a page, file or request is; None where nobody signs in.

    Raises LabError where somebody has to and has not.
    """
    if not auth():
        return None
    person = _acting.get() or _of_session()
    if person is None:
        raise LabError("Nobody is signed in here any more. Load the page again to sign in.")
    return person


@contextmanager
def acting_for(person: Person | None) -> Iterator[None]:
    """What runs inside, outside of a page's own run, is for this person."""
    token = _acting.set(person)
    try:
        yield
    finally:
        _acting.reset(token)


def is_signed_in() -> bool:
    """Whether this page may show anything; always where nobody signs in.

    Raises LabError where signing in is not set up as it must be.
    """
    if not auth():
        return True
    check_settings()
    return _of_session() is not None


def _of_session() -> Person | None:
    """Of the session that this thread draws: Streamlit has read the cookie when it began."""
    context = get_script_run_ctx(suppress_warning=True)
    return _person(context.user_info) if context else None


def of_request(request: HTTPConnection) -> Person | None:
    """Of a request without a session, by the cookie with which Streamlit's sessions begin.

    None for one that is missing, forged, expired or of another address than this lab's. Raises
    LabError where signing in is not set up as it must be.
    """
    check_settings()

    def read(name: str) -> bytes | None:
        signed = request.cookies.get(name)
        return decode_signed_value(get_cookie_secret(), name, signed) if signed else None

    try:
        claims = json.loads(get_cookie_with_chunks(read, USER_COOKIE_NAME) or b"null")
    except ValueError:
        return None
    if not isinstance(claims, dict) or claims.get("origin") != get_origin_from_redirect_uri():
        return None
    return _person(claims)


def for_visitors(
    answer: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """`answer`, which then acts for whoever asks; strangers are told nothing where one signs in."""

    async def answered(request: Request) -> Response:
        try:
            person = of_request(request) if auth() else None
        except LabError as error:
            return JSONResponse({"error": str(error)}, 503)
        if auth() and person is None:
            return JSONResponse({"error": _("Sign in first.")}, 401)
        with acting_for(person):
            return await answer(request)

    return answered


def _person(claims: Mapping[str, Any]) -> Person | None:
    """Who these claims of the provider are about; None where they say nothing."""
    return person_of(claims) if claims.get("is_logged_in") is True else None
