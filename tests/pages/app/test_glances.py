"""What the browser asks for while one drags: bounded, refused in words, complete in time."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from core.analysis import analyze
from core.language import CHINESE, in_language
from core.report import formats
from core.specs import ModelSpec
from pages.views.app import glances
from tests.pages.app.asgi import get

LENET = ModelSpec("lenet", image_size=28)


@pytest.fixture
def client(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(glances, "_IDLE_SECONDS", 0.01)
    monkeypatch.setattr(glances, "_VALUES", {"ratio": range(1, 4), "image_size": range(8, 41, 16)})
    glances._glances.cache_clear()
    return Starlette(routes=[Route(f"/{glances.PATH}", glances.answer)])


def ask(client, spec, over):
    return json.loads(get(client, f"/{glances.PATH}?{glances.query(spec)}&over={over}").body)


def whole(client, spec, over):
    """The answer once it is complete."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        answer = ask(client, spec, over)
        if answer["complete"]:
            return answer["strips"]
        time.sleep(0.05)
    raise AssertionError("never complete")


def test_every_value_of_the_slider_comes_with_the_totals_of_its_network(client):
    strips = whole(client, LENET, "ratio")
    assert list(strips) == ["1", "2", "3"]
    for ratio, strip in strips.items():
        totals = analyze(ModelSpec("lenet", int(ratio), 28)).totals
        assert strip["totals"]["macs"] == formats.short(totals.macs)
    sizes = whole(client, LENET, "image_size")
    assert sizes["8"] is None and sizes["24"]["stages"][0]["side"] == 24  # 8 pixels: none left


def test_the_answer_is_in_the_language_of_the_page_that_asks(client):
    with in_language(CHINESE):
        query = glances.query(LENET)
    answer = get(client, f"/{glances.PATH}?{query}&over=classes")
    assert json.loads(answer.body)["error"].startswith("over 应为")


def test_what_was_worked_out_once_is_there_on_the_next_server(client):
    strips = whole(client, LENET, "ratio")
    glances._glances.cache_clear()
    answer = ask(client, ModelSpec("lenet", 2, 28), "ratio")
    assert answer == {"strips": strips, "complete": True}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("spec=nothing&over=ratio", "JSON"),
        ("over=ratio", "JSON"),
        ('spec={"arch": "zzz"}&over=ratio', "zzz"),
        ('spec={"arch": "lenet", "ratio": 0}&over=ratio', "ratio"),
        (f"{glances.query(LENET)}&over=classes", "ratio or image_size"),
    ],
)
def test_another_question_is_refused_in_a_sentence(client, query, said):
    answer = get(client, f"/{glances.PATH}?{quote(query, safe='=&%+')}")
    assert answer.status == 400 and said in json.loads(answer.body)["error"]


def test_no_more_ranges_are_remembered_than_there_is_room_for(client, monkeypatch):
    monkeypatch.setattr(glances, "_MOST_RANGES", 3)
    kept = glances._glances()
    for size in range(28, 60, 4):
        kept.of(ModelSpec("lenet", image_size=size), "ratio")
    assert len(kept._ranges) == 3
