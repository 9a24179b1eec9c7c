"""What is under way is drawn anew at each stage, and the whole page once more when it is over."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
import streamlit
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from core.specs import LabError
from pages.views.app import watched
from pages.views.app.news import newest
from pages.views.app.server import lab_routes
from pages.views.app.watched import Watched, name_here, watch
from tests.pages.app.asgi import get


def counting_page() -> None:
    """Something that is over after three looks."""
    import streamlit as st

    from core.specs import LabError
    from pages.views.app.live import live, progress_bar
    from pages.views.app.watched import Watched

    def read() -> int:
        st.session_state["looks"] = st.session_state.get("looks", 0) + 1
        return st.session_state["looks"]

    def draw(looks: int) -> None:
        if looks == 99:
            raise LabError("It is *gone*.")
        progress_bar("counting", (looks / 3, f"<look> {looks}"))
        st.write(f"look {looks}")

    over_at = st.session_state.get("over_at", 3)
    live(Watched("counting", read, lambda looks: looks >= over_at, stage=int), draw)


def test_it_is_watched_until_it_is_over(watching):
    app = AppTest.from_function(counting_page)
    app.session_state["over_at"] = 2
    app.run()
    assert watching == ["counting"] and app.markdown[0].value == "look 1"
    app.run()
    assert watching == ["counting"] and app.markdown[0].value == "look 2"


def test_what_ends_before_it_is_drawn_again_runs_the_page_anew(watching, monkeypatch):
    """A fragment that is drawn, and then once more by itself."""
    monkeypatch.setattr(streamlit, "fragment", lambda draw: lambda: (draw(), draw()))
    app = AppTest.from_function(counting_page)
    app.session_state["over_at"] = 2
    app.run()
    assert [one.value for one in app.markdown] == ["look 3", "look 4"]


def test_an_error_is_one_sentence(watching):
    app = AppTest.from_function(counting_page)
    app.session_state["looks"] = 98
    app.run()
    assert app.error[0].value == "It is \\*gone\\*." and not app.exception


def test_the_bar_says_in_words_how_far_it_is():
    bar = AppTest.from_function(counting_page).run().get("html")[0].proto.body
    assert "&lt;look&gt; 1" in bar and 'aria-valuenow="33.3"' in bar


# What browsers are told ------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time; a test moves it."""
    now = [100.0]
    monkeypatch.setattr(watched.time, "monotonic", lambda: now[0])
    return now


def told(name: str) -> dict:
    """The server's answer to a browser."""
    query = f"name={quote(name_here(name))}"
    return json.loads(get(Starlette(routes=lab_routes()), f"/lab/watched?{query}").body)


def test_however_many_watch_it_is_read_once_a_second(clock):
    reads = []

    def read() -> int:
        reads.append(1)
        return len(reads)

    watch(Watched("shared & read", read, bool, stage=lambda _: "same", progress=_share))
    answers = [told("shared & read") for _ in range(3)]
    assert len(reads) == 1 and answers[0] == answers[2]
    assert (answers[0]["share"], answers[0]["text"]) == (0.1, "1 of 10")
    clock[0] += 1.0
    later = told("shared & read")
    assert later["text"] == "2 of 10" and later["stage"] == answers[0]["stage"]


def _share(reads: int) -> tuple[float, str]:
    return reads / 10, f"{reads} of 10"


def test_another_stage_has_another_name(clock):
    stages = iter("ab")
    watch(Watched("stages", lambda: next(stages), bool, stage=str))
    first = told("stages")
    clock[0] += 1.0
    assert told("stages")["stage"] != first["stage"]


def test_what_an_earlier_server_knew_and_what_cannot_be_read_make_the_page_look_itself(clock):
    def read() -> int:
        raise LabError("There is no run 7.")

    watch(Watched("gone", read, bool, stage=int))
    assert told("gone") == {"stage": "There is no run 7.", "curves": {}, "news": str(newest())}
    assert told("never heard of") == {"stage": "unknown"}


def test_only_so_many_are_remembered(monkeypatch):
    monkeypatch.setattr(watched, "_MOST", 2)
    for name in "abc":
        watch(Watched(name, lambda: 1, bool, stage=int))
    assert told("a") == {"stage": "unknown"} and told("c") != {"stage": "unknown"}
