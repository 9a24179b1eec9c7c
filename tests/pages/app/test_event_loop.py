"""The event loop gives up Python's lock seldom: answers go in portions, pages begin elsewhere."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.runtime import Runtime, RuntimeState
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from pages.views.app.event_loop import free_the_event_loop


@pytest.fixture
def as_streamlit_is(monkeypatch):
    """What is changed in it is put back."""
    monkeypatch.setattr(AppSession, "flush_browser_queue", AppSession.flush_browser_queue)
    monkeypatch.setattr(Runtime, "_send_message", Runtime._send_message)
    monkeypatch.setattr(ScriptRunner, "start", ScriptRunner.start)


def test_an_answer_is_sent_whole_and_in_its_order_in_a_few_turns(as_streamlit_is):
    assert asyncio.run(turns_for(answer(250))) >= 250  # if not, Streamlit no longer needs it
    free_the_event_loop()
    assert asyncio.run(turns_for(answer(250))) < 20


def test_nobody_waits_for_a_page_to_begin(as_streamlit_is, monkeypatch):
    may_begin, begun = threading.Event(), threading.Semaphore(0)

    def start(runner: ScriptRunner) -> None:
        may_begin.wait(10)
        if runner is first:
            raise RuntimeError("can't start new thread")
        begun.release()

    monkeypatch.setattr(ScriptRunner, "start", start)
    free_the_event_loop()
    first, second = (object.__new__(ScriptRunner) for _ in range(2))
    first.start()
    second.start()  # returns although neither has begun
    assert not begun.acquire(blocking=False)
    may_begin.set()
    assert begun.acquire(timeout=10)  # the first could not begin: the second does all the same


def answer(count: int) -> list[ForwardMsg]:
    """So many messages with a number each."""
    return [ForwardMsg(hash=str(number)) for number in range(count)]


async def turns_for(messages: list[ForwardMsg]) -> int:
    """How often Streamlit's loop lets others have a turn while it sends these to one browser."""
    queue, received = ForwardMsgQueue(), []
    for message in messages:
        queue.enqueue(message)
    session = SimpleNamespace(_browser_queue=queue, on_flushed_messages_sent=lambda: None)
    session.flush_browser_queue = lambda: AppSession.flush_browser_queue(session)
    client = SimpleNamespace(write_forward_msg=received.append)
    active = SimpleNamespace(session=session, client=client)
    signals = SimpleNamespace(
        started=asyncio.Future(),
        stopped=asyncio.Future(),
        must_stop=asyncio.Event(),
        need_send_data=asyncio.Event(),
    )
    runtime = SimpleNamespace(
        _state=RuntimeState.ONE_OR_MORE_SESSIONS_CONNECTED,
        _set_state=lambda _: None,
        _get_async_objs=lambda: signals,
        _session_mgr=SimpleNamespace(
            list_active_sessions=lambda: [active], list_sessions=lambda: []
        ),
        _send_message=lambda *sent: Runtime._send_message(runtime, *sent),
    )
    sending, turns = asyncio.create_task(Runtime._loop_coroutine(runtime)), 0
    while len(received) < len(messages):
        await asyncio.sleep(0)
        turns += 1
    signals.must_stop.set()
    await sending
    assert received == messages
    return turns
