"""Tells browsers at once that something in the store has changed.

One thread hears it for all of them, as long as there is one. They are told no more than a number,
and then ask what is new in what they show (`watched`). While nothing changes nobody asks, and
nothing is read.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.web.server.server_util import is_url_from_allowed_origins

from core.jobs.changes import Changes
from core.jobs.people import auth
from core.specs import LabError
from pages.views.app.services import lab_store
from pages.views.people.visitor import of_request

_MOST = 4_096  # browsers at once
_BETWEEN_SECONDS = 0.1  # two numbers to the same browser
_AGAIN_SECONDS = 2.0  # until a store that cannot be opened is tried again
_REFUSED, _TOO_MANY = 1008, 1013  # RFC 6455, section 7.4.1


class _News:
    """What one thread hears of the store, as long as somebody wants to be woken."""

    def __init__(self) -> None:
        self.number = 0  # of changes that were heard
        self._wakes: dict[object, Callable[[], object]] = {}
        self._is_heard = False
        self._changing = threading.Lock()

    @property
    def listeners(self) -> int:
        """How many want to be woken."""
        return len(self._wakes)

    @contextmanager
    def hearing(self, wake: Callable[[], object]) -> Iterator[None]:
        """Inside, `wake` is called after each change."""
        key = object()
        with self._changing:
            self._wakes[key] = wake
            if not self._is_heard:
                self._is_heard = True
                threading.Thread(target=self._hear, daemon=True, name="news").start()
        try:
            yield
        finally:
            with self._changing:
                del self._wakes[key]

    def _hear(self) -> None:
        changes: Changes | None = None
        while self._goes_on():
            try:
                changes = changes or Changes(lab_store())
                has_changed = changes.wait()
            except LabError:  # the store cannot be opened; pages that look say why
                time.sleep(_AGAIN_SECONDS)
                has_changed = True
            if has_changed:
                self._tell()
        if changes is not None:
            changes.close()

    def _goes_on(self) -> bool:
        with self._changing:
            self._is_heard = bool(self._wakes)
            return self._is_heard

    def _tell(self) -> None:
        self.number += 1
        with self._changing:
            wakes = list(self._wakes.values())
        for wake in wakes:
            with suppress(RuntimeError):  # its event loop is closed
                wake()


_news = _News()


def newest() -> int:
    """The number of the newest change, as browsers are told it."""
    return _news.number


async def tell(browser: WebSocket) -> None:
    """Send the number of each change as long as the browser stays."""
    if not _may_hear(browser):
        await browser.close(_REFUSED)
        return
    if _news.listeners >= _MOST:
        await browser.close(_TOO_MANY)
        return
    await browser.accept()
    changed, loop = asyncio.Event(), asyncio.get_running_loop()
    with _news.hearing(lambda: loop.call_soon_threadsafe(changed.set)):
        sending = asyncio.create_task(_send(browser, changed))
        with suppress(WebSocketDisconnect):
            while True:
                await browser.receive_text()  # nothing is expected but its end
        sending.cancel()
        await asyncio.wait({sending})


async def _send(browser: WebSocket, changed: asyncio.Event) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # it is gone
        while True:
            await browser.send_text(str(newest()))
            await changed.wait()
            changed.clear()
            await asyncio.sleep(_BETWEEN_SECONDS)


def _may_hear(browser: WebSocket) -> bool:
    """Pages of other sites hear nothing, nor do strangers where people sign in."""
    origin = browser.headers.get("origin")
    is_own = origin is None or urlsplit(origin).netloc == browser.headers.get("host")
    if not is_own and not is_url_from_allowed_origins(origin or ""):
        return False
    try:
        return not auth() or of_request(browser) is not None
    except LabError:
        return False
