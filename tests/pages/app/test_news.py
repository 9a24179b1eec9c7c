"""Browsers are told that something has changed, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from pages.views.app import news
from pages.views.app.server import lab_routes
from pages.views.app.services import lab_store, store
from tests.core.jobs.example_runs import SPEC
from tests.pages.people.signed_in import claims, cookie, people_sign_in

__all__ = ["people_sign_in"]


def told(*happening: Callable[[], object], **headers: str) -> list[int]:
    """The numbers that a browser with these headers is sent: at first, and after each happening."""
    scope = {
        "type": "websocket",
        "path": "/lab/news",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": [],
    }

    async def visit() -> list[int]:
        said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        sent: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        said.put_nowait({"type": "websocket.connect"})
        app = Starlette(routes=lab_routes())
        running = asyncio.create_task(app(scope, said.get, sent.put))
        answer = await sent.get()
        numbers = []

        async def hear() -> int:
            return int((await asyncio.wait_for(sent.get(), 5))["text"])

        if answer["type"] == "websocket.accept":
            numbers.append(await hear())
            for happens in happening:
                before = news.newest()
                await asyncio.to_thread(happens)
                while (number := await hear()) <= before:
                    pass
                numbers.append(number)
            said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(running, 5)
        return numbers

    with ThreadPoolExecutor(1) as pool:  # Playwright's loop may run in this thread
        return pool.submit(asyncio.run, visit()).result()


@pytest.fixture(autouse=True)
def nobody_listens():
    """Each test begins without the thread of the one before."""
    yield
    for _ in range(300):
        if not news._news._is_heard:
            return
        time.sleep(0.01)
    raise AssertionError("The thread goes on though nobody listens.")


def queue() -> None:
    lab_store().enqueue(SPEC)


def test_each_change_has_a_number():
    first, second, third = told(queue, lambda: store().delete([1]))
    assert first < second < third


def test_when_the_last_one_has_gone_nobody_listens_and_the_next_is_told_again():
    first = told(queue)
    assert news._news.listeners == 0
    assert told(queue)[0] >= first[-1]


def test_who_shows_pages_of_the_same_address_is_told():
    assert told(host="lab.example:8501", origin="https://lab.example:8501")
    assert not told(host="lab.example:8501", origin="https://lab.example")
    assert not told(host="lab.example:8501", origin="https://elsewhere.example")


def test_a_stranger_is_told_nothing(people_sign_in):
    assert told(cookie=cookie(claims("Bob")))
    assert not told() and not told(cookie="_streamlit_user=e30")
    people_sign_in({})
    assert not told(cookie=cookie(claims("Bob")))


def test_only_so_many_are_told(monkeypatch):
    monkeypatch.setattr(news, "_MOST", 0)
    assert not told()


def test_a_store_that_cannot_be_opened_is_looked_at_again(monkeypatch, tmp_path):
    monkeypatch.setattr(news, "_AGAIN_SECONDS", 0.01)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAB_DATABASE_URL", f"sqlite:///{tmp_path}/file/lab.sqlite")
    assert told(lambda: None)
