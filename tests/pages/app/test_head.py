"""Every page says what it shows, can be handed on, and tells of the work under way."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit import config

from core.jobs.store import open_store
from core.specs import ModelSpec, RunSpec
from pages.views.app import head
from pages.views.app.frame import PAGES
from tests.pages.opening import SHORT, open_page


def share_of(monkeypatch, url: str, server: str | None = None, **parameters: str):
    """The address that Share tells a visitor of `url`, and whether others can open it."""
    monkeypatch.setattr(head.st, "context", SimpleNamespace(url=url))
    monkeypatch.setattr(head.st, "query_params", SimpleNamespace(to_dict=lambda: parameters))
    monkeypatch.setattr(config, "get_option", lambda name: server)
    monkeypatch.setattr(config, "is_manually_set", lambda name: server is not None)
    return head._address()


@pytest.mark.parametrize("path", [path for path, *_ in PAGES])
def test_every_page_has_a_name_and_share(path):
    app = open_page(path)
    assert len(app.title) == 1 and app.title[0].value
    assert any("Address of this view" in text.value for text in app.markdown)


def test_the_address_of_a_view_holds_what_is_chosen(monkeypatch):
    address, _ = share_of(monkeypatch, "http://lab.example/architecture", net_network="vgg19")
    assert address == "http://lab.example/architecture?net_network=vgg19"


@pytest.mark.parametrize(
    ("url", "is_for_others"),
    [
        ("http://localhost:8501/runs", False),
        ("http://127.0.0.1:8501/runs", False),
        ("http://[::1]:8501/runs", False),
        ("http://192.168.1.7:8501/runs", True),
        ("https://lab.example/cnn/runs", True),
    ],
)
def test_share_knows_whether_others_can_open_the_address(monkeypatch, url, is_for_others):
    assert share_of(monkeypatch, url) == (url, is_for_others)


def test_the_servers_own_name_stands_in_the_address(monkeypatch):
    shared = share_of(monkeypatch, "http://localhost:8501/runs", server="lab.example")
    assert shared == ("http://lab.example:8501/runs", True)


def test_nothing_is_said_of_work_where_there_is_none():
    assert not any("Training:" in part.body for part in open_page().sidebar.get("html"))


def test_every_page_tells_of_the_work_under_way():
    open_store().enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    app = open_page("pages/glossary.py")
    assert any("Training: 1 waiting" in part.body for part in app.sidebar.get("html"))
