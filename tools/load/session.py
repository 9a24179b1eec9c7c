"""A visitor's session without a browser: what Streamlit's page keeps and sends, over its websocket.

Source: Streamlit's own protocol buffers (streamlit.proto), as of 1.67.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

_LONGEST_SECONDS = 90.0  # that an answer may take
_POLL_SECONDS, _BETWEEN_SECONDS, _QUIET_SECONDS = 1.0, 2.0, 10.0  # as in live.js
_RUNS_KEPT = 3  # for so many runs of the page the browser keeps a message that may come again
_KEPT_VALUES = {  # the widgets whose values are sent with each run, and where a value stands
    "slider": "double_array_value",
    "number_input": "double_value",
    "selectbox": "string_value",
    "button_group": "string_array_value",
    "checkbox": "bool_value",
    "multiselect": "string_array_value",
    "text_input": "string_value",
    "text_area": "string_value",
}


class Dropped(Exception):
    """The server has closed the connection."""


@dataclass
class Answer:
    """What came of one action."""

    seconds: float
    errors: list[str] = field(default_factory=list)  # exceptions that stand on the page, time-outs


class Session:
    """One tab on the lab."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.elements: dict[tuple[int, ...], Element] = {}  # by their place on the page
        self.pages: dict[str, str] = {}  # address → what the server calls it
        self.bytes_received = 0
        self._values: dict[str, WidgetState] = {}
        self._messages: dict[str, tuple[ForwardMsg, int]] = {}  # hash → message, the run it was in
        self._drawn: set[tuple[int, ...]] = set()  # places that the run under way has drawn
        self._fragments: dict[tuple[int, ...], str] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}  # name of what is watched → its polls
        self._news = ""  # number of the newest change that was heard
        self._told = asyncio.Condition()
        self._hearing: asyncio.Task[None] | None = None
        self._ended: asyncio.Queue[int | None] = asyncio.Queue()
        self._page, self._query, self._runs, self._cookies = "", "", 0, ""
        self._errors: list[str] = []
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    # What a visitor does -----------------------------------------------------------------------

    async def open(self, path: str, query: str = "") -> Answer:
        """Type an address."""
        await self._connect()
        self._query = query
        return await self._run(lambda run: setattr(run, "page_name", path))

    async def come_back(self) -> Answer:
        """After the connection was lost: the page as `reconnected.js` has it drawn anew."""
        self._stop_watching()
        await self._connect()
        return await self._run(lambda run: None)

    async def switch_to(self, path: str) -> Answer:
        """Click a page of the menu."""
        self._stop_watching()
        self._query, self._page = "", self.pages[path]
        self._values.clear()
        return await self._run(lambda run: None)

    async def set(self, element: Element, value: float | str) -> Answer:
        """Move a slider, pick from a list; the address follows where the widget is bound to it."""
        kind = str(element.WhichOneof("type"))
        widget = getattr(element, kind)
        self._values[widget.id] = _state(kind, widget.id, value)
        if name := getattr(widget, "query_param_key", ""):
            pairs = dict(parse_qsl(self._query, keep_blank_values=True))
            pairs[name] = value if isinstance(value, str) else f"{value:g}"
            self._query = urlencode(pairs)
        place = next(place for place, other in self.elements.items() if other is element)
        fragment = self._fragments.get(place, "")
        return await self._run(lambda run: setattr(run, "fragment_id", fragment))

    async def close(self) -> None:
        """Close the tab."""
        self._stop_watching()
        for task in (self._reader, self._hearing):
            if task is not None:
                task.cancel()
        if self._connection is not None:
            with suppress(OSError, ConnectionClosed, TimeoutError):
                await asyncio.wait_for(self._connection.close(), 5)

    async def pause(self, seconds: float) -> None:
        """Look at the page. Raises Dropped as soon as the connection is lost."""
        assert self._reader is not None
        if (await asyncio.wait({self._reader}, timeout=seconds))[0]:
            raise Dropped

    def view(self) -> tuple[str, dict[str, bytes]]:
        """The page, and what its widgets are set to."""
        values = self._values.items()
        return self._page, {name: value.SerializeToString() for name, value in values}

    def widgets(self, kind: str) -> list[Any]:
        """The elements of this kind that stand on the page."""
        return [one for one in self.elements.values() if one.WhichOneof("type") == kind]

    # What is sent ------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """To the server that the cookie names, or whoever stands in for it."""
        self._connection = await connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
            origin=f"http://127.0.0.1:{self.port}",  # type: ignore[arg-type]
            additional_headers={"Cookie": self._cookies} if self._cookies else {},
            max_size=None,
            compression=None,
            ping_interval=None,
        )
        answer = self._connection.response
        cookies = answer.headers.get_all("Set-Cookie") if answer else []
        self._cookies = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        self._reader = asyncio.create_task(self._read(self._connection))

    async def _run(self, fill: Callable[[Any], None]) -> Answer:
        """Ask for a run of the page and wait for its end."""
        while not self._ended.empty():
            self._ended.get_nowait()
        self._errors = []
        message = self._request()
        fill(message.rerun_script)
        began = time.perf_counter()
        await self._send(message)
        is_fragment = bool(message.rerun_script.fragment_id)
        while True:
            left = _LONGEST_SECONDS - (time.perf_counter() - began)
            try:
                status = await asyncio.wait_for(self._ended.get(), max(0.01, left))
            except TimeoutError:
                return Answer(_LONGEST_SECONDS, [*self._errors, "no answer"])
            if status is None:
                raise Dropped
            if status in _WHOLE or (
                is_fragment and status == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
            ):
                return Answer(time.perf_counter() - began, self._errors)

    def _request(self) -> BackMsg:
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash = self._query, self._page
        run.context_info.url = f"http://127.0.0.1:{self.port}/"
        run.context_info.timezone = "UTC"
        run.context_info.locale = "en-US"
        run.context_info.color_scheme = "light"
        run.cached_message_hashes.extend(self._messages)
        run.widget_states.SetInParent()
        run.widget_states.widgets.extend(self._values.values())
        return message

    async def _send(self, message: BackMsg) -> None:
        assert self._connection is not None
        try:
            await self._connection.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise Dropped from error

    # What arrives ------------------------------------------------------------------------------

    async def _read(self, connection: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for raw in connection:
                self.bytes_received += len(raw)
                message = ForwardMsg()
                message.ParseFromString(raw)
                self._take(message)
        self._ended.put_nowait(None)

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":  # a message that this tab already has
            known, _ = self._messages[message.ref_hash]
            self._messages[message.ref_hash] = (known, self._runs)
            whole = ForwardMsg()
            whole.CopyFrom(known)
            whole.metadata.CopyFrom(message.metadata)
            message, kind = whole, whole.WhichOneof("type")
        elif message.metadata.cacheable and message.hash:
            self._messages[message.hash] = (message, self._runs)
        match kind:
            case "new_session":
                self._begin(message.new_session)
            case "navigation":
                self._page = message.navigation.page_script_hash or self._page
                self._note_pages(message.navigation.app_pages)
            case "delta":
                self._draw(message)
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "script_finished":
                self._finish(message.script_finished)

    def _begin(self, session: Any) -> None:
        self._runs += 1
        self._page = session.page_script_hash or self._page
        self._drawn = set()
        self._note_pages(session.app_pages)

    def _note_pages(self, pages: Any) -> None:
        if pages:
            first, *others = pages  # the overview, at the lab's own address
            self.pages = {"": first.page_script_hash}
            self.pages |= {page.url_pathname: page.page_script_hash for page in others}

    def _draw(self, message: ForwardMsg) -> None:
        place = tuple(message.metadata.delta_path)
        self._drawn.add(place)
        if message.delta.WhichOneof("type") != "new_element":
            self.elements.pop(place, None)
            return
        element = message.delta.new_element
        self.elements[place] = element
        self._fragments[place] = message.delta.fragment_id
        if element.WhichOneof("type") == "exception":
            self._errors.append(f"{element.exception.type}: {element.exception.message[:200]}")

    def _finish(self, status: int) -> None:
        """What the run has not drawn goes; widgets have the values that the server gave them."""
        if status == ForwardMsg.FINISHED_SUCCESSFULLY:
            for place in self.elements.keys() - self._drawn:
                del self.elements[place]
                self._fragments.pop(place, None)
            self._messages = {
                name: (message, run)
                for name, (message, run) in self._messages.items()
                if self._runs - run < _RUNS_KEPT
            }
        self._values = {
            widget.id: self._values[widget.id]
            if widget.id in self._values and not getattr(widget, "set_value", False)
            else _first_state(kind, widget)
            for element in self.elements.values()
            if (kind := str(element.WhichOneof("type"))) in _KEPT_VALUES
            for widget in [getattr(element, kind)]
        }
        self._watch()
        self._ended.put_nowait(status)

    # What is under way ---------------------------------------------------------------------------

    def _watch(self) -> None:
        """Ask how far it is as long as its watcher stands on the page, as `live.js` does."""
        watched = {data["name"]: place for place, data in self._live()}
        for name in self._watchers.keys() - watched:
            self._watchers.pop(name).cancel()
        for name in watched.keys() - self._watchers:
            self._watchers[name] = asyncio.create_task(self._poll(name))
        if watched and (self._hearing is None or self._hearing.done()):
            self._hearing = asyncio.create_task(self._hear())

    def _live(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        """Each watcher of the page: its place and data."""
        for place, element in self.elements.items():
            component = element.bidi_component
            if component.component_name.endswith("lab_live"):
                yield place, json.loads(component.json or component.mixed.json)

    async def _hear(self) -> None:
        """The numbers of changes, as `news.js` hears them."""
        with suppress(ConnectionClosed, OSError, TimeoutError):
            async with connect(
                f"ws://127.0.0.1:{self.port}/lab/news",
                additional_headers={"Cookie": self._cookies} if self._cookies else {},
                compression=None,
                ping_interval=None,
            ) as numbers:
                async for number in numbers:
                    await self._note_news(str(number))
        await self._note_news("")

    async def _note_news(self, number: str) -> None:
        async with self._told:
            self._news = number
            self._told.notify_all()

    async def _something_new(self, known: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_QUIET_SECONDS), self._told:
                await self._told.wait_for(lambda: not self._news or self._news != known)

    async def _poll(self, name: str) -> None:
        query, asked, known = urlencode({"name": name}), float("-inf"), ""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"GET /lab/watched?{query} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Cookie: {self._cookies}\r\n\r\n"
        )
        with suppress(Dropped, OSError, asyncio.IncompleteReadError), closing(writer):
            while True:
                await asyncio.sleep(_POLL_SECONDS)
                await self._something_new(known)
                writer.write(head.encode())
                reply = await self._reply(reader)
                stage, known = reply["stage"], reply.get("news", "")
                for place, data in list(self._live()):
                    if data["name"] != name or stage == data["stage"]:
                        continue
                    if time.monotonic() - asked >= _BETWEEN_SECONDS:
                        asked = time.monotonic()
                        message = self._request()
                        message.rerun_script.fragment_id = self._fragments.get(place, "")
                        await self._send(message)

    async def _reply(self, reader: asyncio.StreamReader) -> Any:
        """The next JSON of a connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        [size] = re.findall(rb"(?i)content-length: *(\d+)", head)
        self.bytes_received += len(head) + int(size)
        return json.loads(await reader.readexactly(int(size)))

    def _stop_watching(self) -> None:
        for polls in self._watchers.values():
            polls.cancel()
        self._watchers.clear()


_WHOLE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)


def _state(kind: str, widget_id: str, value: Any) -> WidgetState:
    """A widget's value as the browser sends it."""
    state = WidgetState(id=widget_id)
    name = _KEPT_VALUES[kind]
    if name.endswith("array_value"):
        values = value if isinstance(value, list | tuple) else [value]
        getattr(state, name).data.extend(values)
        getattr(state, name).SetInParent()
    else:
        setattr(state, name, value)
    return state


def _first_state(kind: str, widget: Any) -> WidgetState:
    """The value that the server gave: its default, or what it has set since."""
    is_set = getattr(widget, "set_value", False)
    match kind:
        case "selectbox":
            default = widget.options[widget.default] if widget.options else ""
            value: Any = widget.raw_value if is_set and widget.raw_value else default
        case "button_group":
            chosen = [widget.options[index].content for index in widget.default]
            value = list(widget.raw_values) if is_set else chosen
        case "multiselect":
            chosen = [widget.options[index] for index in widget.default]
            value = list(widget.raw_values) if is_set else chosen
        case "slider":
            value = list(widget.value if is_set else widget.default)
        case _:
            value = widget.value if is_set else widget.default
    return _state(kind, widget.id, value)
