"""The page server before its first visitor: what it imports, starts and sends compressed."""

from __future__ import annotations

import gc
import gzip
import importlib
import logging
import mimetypes
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from streamlit import config
from streamlit.file_util import get_static_dir
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.metrics_util import Installation

from core.cli.exit_codes import BAD_INPUT
from core.operating.logs import log, take_over_loggers
from core.specs import LabError
from core.torch_process import (
    close_inside_process,
    close_own_process,
    close_torch_process,
    own_process,
    torch_process,
)
from core.zoo.own import own_files
from pages.views.app.base_path import base_path
from pages.views.app.browser_files import BROWSER_FILES
from pages.views.app.downloads import sentences_of_downloads
from pages.views.app.event_loop import free_the_event_loop
from pages.views.app.metrics import serve_metrics
from pages.views.people import round_trip
from pages.views.people.visitor import for_visitors

_VIEWS = Path(__file__).parents[1]
_COMPRESSED = (".js", ".css", ".svg", ".json")
_YOUNG_OBJECTS = 10_000  # before a look for garbage; Python's own 700 a page makes a hundred times
_FOREVER = "public, immutable, max-age=31536000"  # the address holds a hash


@contextmanager
def errors_end_the_start() -> Iterator[None]:
    """What whoever starts the server can mend is one sentence on the terminal."""
    try:
        yield
    except LabError as error:
        log("not-started", str(error), logging.ERROR)
        sys.exit(BAD_INPUT)


@asynccontextmanager
async def ready_for_visitors(_app: st.App) -> AsyncIterator[None]:
    """Before the server answers: torch begins to load in its process, pages are imported here.

    The first visitor then waits for neither, and nobody's page stands still while another one's
    is imported.
    """
    take_over_loggers()
    _remember_options()
    _let_downloads_say_why()
    _be_one_of_many()
    free_the_event_loop()
    torch_process()
    if own_files():
        own_process()
    for path in sorted(_VIEWS.rglob("*.py")):
        name = ".".join(path.relative_to(_VIEWS).with_suffix("").parts)
        importlib.import_module(f"pages.views.{name}")
    serve_metrics()
    gc.freeze()  # what is imported stays: the collector need not look at it again
    gc.set_threshold(_YOUNG_OBJECTS)
    gc.enable()  # dashboard.py has disabled it
    yield
    close_torch_process()
    close_own_process()
    close_inside_process()


def _remember_options() -> None:
    """Streamlit looks through all of its options for each part of the theme, in every run:
    a seventh of the server's work for a move of a slider. They do not change while it runs.
    """
    config.get_options_for_section = cache(config.get_options_for_section)


def _let_downloads_say_why() -> None:
    """Beside the button of a file that cannot be made stands its own sentence: Streamlit has the
    same for all.
    """
    handle = DeferredFileHandler.handle

    async def told(handler: DeferredFileHandler, request: Any, session_id: str) -> Any:
        with sentences_of_downloads() as sentences:
            response = await handle(handler, request, session_id)
        if response.error_msg and sentences:
            response.error_msg = sentences[0]
        return response

    DeferredFileHandler.handle = told  # type: ignore[method-assign,assignment]


def _be_one_of_many() -> None:
    """By this name a browser that finds another page server knows that it is the same lab.

    Otherwise it is a name of the machine, and on another one a page's controls begin anew.
    """
    Installation.instance().installation_id_v3 = "cnn-architecture-lab"


def lab_routes() -> list[BaseRoute]:
    """What the lab answers besides its pages."""

    async def glances(request: Request) -> Response:
        return await importlib.import_module("pages.views.app.glances").answer(request)

    async def watched(request: Request) -> Response:
        return await importlib.import_module("pages.views.app.watched").answer(request)

    async def test_image(request: Request) -> Response:
        return await importlib.import_module("pages.views.app.test_images").answer(request)

    async def news(browser: WebSocket) -> None:
        await importlib.import_module("pages.views.app.news").tell(browser)

    routes = {"glances": glances, "watched": watched, "test-image": test_image}
    base = base_path()
    return [
        *(Route(f"{base}lab/{name}", for_visitors(answer)) for name, answer in routes.items()),
        WebSocketRoute(f"{base}lab/news", news),
        Route(f"{base}{round_trip.PATH}", round_trip.sign_in),
    ]


class Compressed:
    """ASGI middleware: the lab's own files for the browser, and Streamlit's, compressed once.

    Streamlit sends its files as they are, 4.5 MB for a first page: its own compression would
    compress them for each visitor anew.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.base = base_path()
        static = Path(get_static_dir()) / "static"
        self.files = {
            f"static/{path.relative_to(static).as_posix()}": path
            for path in static.rglob("*")
            if path.suffix in _COMPRESSED
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for a file that is known, else hand on."""
        path = self._file(scope)
        if path is None:
            await self.app(scope, receive, send)
            return
        is_packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        body = await anyio.to_thread.run_sync(_packed if is_packed else Path.read_bytes, path)
        response = Response(
            body,
            media_type=mimetypes.guess_type(path.name)[0],
            headers={"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
            | ({"Content-Encoding": "gzip"} if is_packed else {}),
        )
        await response(scope, receive, send)

    def _file(self, scope: Scope) -> Path | None:
        """The file that is asked for, where it is one of those that are sent from here."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return None
        name = scope["path"].removeprefix(self.base)
        return BROWSER_FILES.get(name) or self.files.get(name)


@cache
def _packed(path: Path) -> bytes:
    """Compressed, as some 1.5 MB of the files that browsers have asked for are kept.

    The largest comes compressed: by a slower program, into less.
    """
    made = path.with_name(f"{path.name}.gz")
    return made.read_bytes() if made.is_file() else gzip.compress(path.read_bytes(), 9)
