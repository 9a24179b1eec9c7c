"""Files for the browser: an address each that changes with the file, and no other file by it."""

from __future__ import annotations

import gzip

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from core.report.browser.files import PLOTLY
from pages.views.app.browser_files import FOLDER, address, component_script
from pages.views.app.html_head import HtmlHead
from pages.views.app.server import Compressed
from tests.pages.app.asgi import get


@pytest.fixture
def client():
    rest = Starlette(
        routes=[Route("/{path:path}", lambda request: PlainTextResponse("another page"))]
    )
    return Compressed(rest)


def test_the_address_holds_the_file_s_hash(tmp_path):
    first, second = tmp_path / "a" / "x.js", tmp_path / "b" / "x.js"
    for path, text in ((first, "1"), (second, "2")):
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    assert address(first) != address(second)
    assert address(first).startswith("lab/x-") and address(first).endswith(".js")


def test_a_file_is_sent_whole_packed_where_the_browser_can_unpack(client):
    path = FOLDER / "strip.js"
    for accepted in ("gzip", "identity"):
        reply = get(client, f"/{address(path)}", accept_encoding=accepted)
        body = gzip.decompress(reply.body) if accepted == "gzip" else reply.body
        assert body == path.read_bytes()
        assert reply.headers.get("content-encoding") == (accepted if accepted == "gzip" else None)
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["content-type"].startswith(
            ("text/javascript", "application/javascript")
        )
    assert len(gzip.compress(path.read_bytes())) < 0.5 * path.stat().st_size


def test_what_comes_compressed_is_the_file_in_fewer_bytes():
    packed = PLOTLY.with_name(f"{PLOTLY.name}.gz").read_bytes()
    assert gzip.decompress(packed) == PLOTLY.read_bytes()
    assert len(packed) < len(gzip.compress(PLOTLY.read_bytes(), 9))


@pytest.mark.parametrize(
    "path",
    [
        "/lab/strip.js",
        "/lab/../dashboard.py",
        "/lab/%2e%2e/dashboard.py",
        "/static/nothing.js",
        "/",
    ],
)
def test_nothing_else_is_sent(client, path):
    assert get(client, path).body == b"another page"


def test_a_component_s_script_only_fetches_the_file():
    script = component_script(FOLDER / "chart.js", plotly=PLOTLY)
    assert address(FOLDER / "chart.js") in script and address(PLOTLY) in script
    assert len(script) < 700


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_the_page_comes_with_the_lab_s_files_packed_where_the_browser_can_unpack(accepted):
    page = HTMLResponse("<html><head></head><body></body></html>")
    client = HtmlHead(Starlette(routes=[Route("/", lambda request: page)]))
    reply = get(client, "/", accept="text/html", accept_encoding=accepted)
    body = gzip.decompress(reply.body) if accepted == "gzip" else reply.body
    assert f"./{address(FOLDER / 'page.js')}".encode() in body
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert reply.headers["vary"] == "Accept-Encoding"
