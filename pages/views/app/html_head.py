"""What the HTML of every page has in its head, before anything is drawn: style and script."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.file_util import get_static_dir

from pages.views.app.browser_files import FOLDER, address

# Streamlit fetches the code of an element when a page first has one, and lets a gray bar stand for
# it meanwhile, whose height is another: what most pages have is fetched beside its own first files.
_SOON = (
    "BidiComponent",
    "Button",
    "ButtonGroup",
    "Checkbox",
    "DownloadButton",
    "Html",
    "Metric",
    "NumberInput",
    "PageLink",
    "Selectbox",
    "Slider",
)
_END = b"</head>"


class HtmlHead:
    """ASGI middleware: adds to the head of Streamlit's page, which all addresses share."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold an HTML answer back until it is whole, then send it with the addition."""
        start: Message | None = None
        parts: list[bytes] = []

        async def send_on(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif message["type"] == "http.response.body" and start is not None:
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send_whole(start, b"".join(parts), is_packed, send)
            else:
                await send(message)

        asked = Headers(scope=scope) if scope["type"] == "http" else Headers()
        is_packed = "gzip" in asked.get("accept-encoding", "")
        if "text/html" in asked.get("accept", ""):
            plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            await self.app({**scope, "headers": plain}, receive, send_on)
        else:
            await self.app(scope, receive, send)


def _is_page(start: Message) -> bool:
    kind = MutableHeaders(raw=list(start["headers"])).get("content-type", "")
    return start["status"] == 200 and kind.startswith("text/html")


async def _send_whole(start: Message, body: bytes, is_packed: bool, send: Send) -> None:
    """The answer with its new length, and without the marks of the one that it was."""
    body = body.replace(_END, _addition() + _END, 1)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers.add_vary_header("Accept-Encoding")
    if is_packed:
        body = gzip.compress(body)
        headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(body))
    for name in ("etag", "last-modified"):
        del headers[name]
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})


@cache
def _addition() -> bytes:
    """Tags with addresses that are relative, as all of Streamlit's own."""
    static = Path(get_static_dir())
    soon = [path for name in _SOON for path in static.glob(f"static/js/{name}.*.js")]
    names = [path.relative_to(static).as_posix() for path in soon]
    tags = [
        f'<link rel="stylesheet" href="./{address(FOLDER / "style.css")}">',
        f'<script type="module" src="./{address(FOLDER / "page.js")}"></script>',
        *(f'<link rel="modulepreload" crossorigin href="./{name}">' for name in names),
    ]
    return "".join(tags).encode()
