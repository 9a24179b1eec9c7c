"""The way to the provider and back: to the address that was asked for, not to the overview, as
Streamlit would have it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.specs import LabError
from pages.views.app.base_path import base_path
from pages.views.people.settings import check_settings

PATH = "lab/sign-in"
FAILED = "lab_sign_in_failed"  # a cookie, soon gone: the last attempt came to nothing
_ASKED = "lab_asked"  # a cookie: the address that was asked for
_AT_PROVIDER, _TOLD = 900, 20  # seconds for which these two are kept
_LONGEST = 2_000  # characters of an address; a cookie has room for 4,096, escaped
_PAGE = re.compile(r"[a-z_]*(\?[!#-\[\]-~]*)?")  # its name and parameters, in printable ASCII


def own_address(text: str) -> str:
    """`text` where it is the address of a page of this lab, else that of the overview.

    Nobody is ever sent to another host: behind the lab's own path stand only a page's name and
    parameters.
    """
    base = base_path()
    is_own = text.startswith(base) and len(text) <= _LONGEST and _PAGE.fullmatch(text[len(base) :])
    return text if is_own else base


def sign_in_address(asked: str) -> str:
    """Where a browser goes to sign in, and then to see this address of the lab."""
    return f"{base_path()}{PATH}?{urlencode({'to': asked})}"


async def sign_in(request: Request) -> Response:
    """To the provider; the address that was asked for is kept by the browser meanwhile."""
    asked = own_address(request.query_params.get("to", ""))
    try:
        check_settings()
    except LabError:  # the page says so
        return RedirectResponse(asked, 302)
    response = RedirectResponse(generate_login_redirect_url("default"), 302)
    _set(response.headers, _ASKED, quote(asked, safe=""), _AT_PROVIDER)
    return response


class RoundTrip:
    """ASGI middleware: changes where Streamlit's own steps of signing in and out lead to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        base = base_path()
        self.steps = {
            f"{base}auth/login": _leaves,
            f"{base}oauth2callback": _comes_back,
            f"{base}auth/logout": _signs_out,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and change the head of an answer that is one of these steps."""
        step = self.steps.get(scope["path"]) if scope["type"] == "http" else None
        if step is None:
            await self.app(scope, receive, send)
            return
        kept = Request(scope).cookies.get(_ASKED)
        asked = None if kept is None else own_address(unquote(kept))

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                status = step(message["status"], headers, asked)
                message = {**message, "status": status, "headers": headers.raw}
            await send(message)

        await self.app(scope, receive, send_on)


def _leaves(status: int, headers: MutableHeaders, asked: str | None) -> int:
    """To the provider; back at once where it does not answer."""
    return status if status < 400 else _failed(headers, asked or base_path())


def _comes_back(status: int, headers: MutableHeaders, asked: str | None) -> int:
    """To the address that was asked for, signed in or not; from signing out to the overview."""
    if asked is None:
        return status
    if not any(map(_names_somebody, headers.getlist("set-cookie"))):
        return _failed(headers, asked)
    headers["location"] = asked
    _set(headers, _ASKED, "", 0)
    return status


def _names_somebody(cookie: str) -> bool:
    return cookie.startswith(f"{USER_COOKIE_NAME}=") and "max-age=0" not in cookie.lower()


def _signs_out(status: int, headers: MutableHeaders, _asked: str | None) -> int:
    """Some providers come back from their own page only with a state."""
    address = urlsplit(headers.get("location", ""))
    if address.netloc:
        query = f"{address.query}&" if address.query else ""
        headers["location"] = address._replace(query=f"{query}state=signed-out").geturl()
    _set(headers, _ASKED, "", 0)
    return status


def _failed(headers: MutableHeaders, asked: str) -> int:
    """Back to the card, which says so."""
    headers["location"] = asked
    _set(headers, _ASKED, "", 0)
    _set(headers, FAILED, "1", _TOLD)
    return 302


def _set(headers: MutableHeaders, name: str, value: str, seconds: int) -> None:
    headers.append(
        "set-cookie",
        f"{name}={value}; Path={base_path()}; Max-Age={seconds}; HttpOnly; SameSite=Lax",
    )
