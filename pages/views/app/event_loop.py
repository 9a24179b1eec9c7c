"""The event loop, which hears and answers all browsers, gives up Python's lock as seldom as it can.

The lock goes round among all threads that compute, 5 ms each, so that whoever has given it up waits
for every page that is being drawn. Streamlit's event loop gives it up after each message, 70 an
answer, and to see each page begin. With a hundred visitors answers were ready and then lay there
for up to four seconds, until no page was drawn any more (docs/scaling.md).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from core.operating.logs import log_error

_PORTION = 100  # messages: some 5 ms of work; a browser that does not take 500 is given up


def free_the_event_loop() -> None:
    """Before the first visitor; once in a process."""
    _send_in_portions()
    _begin_elsewhere()


def _send_in_portions() -> None:
    """Streamlit's loop lets all others have a turn after each thing that it sends to a browser:
    from here on that is a portion of messages instead of one.
    """
    flush, send = AppSession.flush_browser_queue, Runtime._send_message

    def portions(session: AppSession) -> list[Any]:
        messages = flush(session)
        return [messages[at : at + _PORTION] for at in range(0, len(messages), _PORTION)]

    def send_all(runtime: Runtime, session: Any, messages: Any) -> None:
        for message in messages:
            send(runtime, session, message)

    AppSession.flush_browser_queue = portions  # type: ignore[method-assign,assignment]
    Runtime._send_message = send_all  # type: ignore[method-assign,assignment]


def _begin_elsewhere() -> None:
    """Whoever starts a thread waits until it runs: another thread does, for the event loop."""
    start, starter = ScriptRunner.start, ThreadPoolExecutor(1, "starter")

    def start_it(runner: ScriptRunner) -> None:
        try:
            start(runner)
        except RuntimeError as error:  # the machine gives no more threads
            log_error(error)

    def begin(runner: ScriptRunner) -> None:
        starter.submit(start_it, runner)

    ScriptRunner.start = begin  # type: ignore[method-assign,assignment]
