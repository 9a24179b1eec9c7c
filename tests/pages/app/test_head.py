"""Every page says what it shows, can be handed on, and tells of the work under way."""

from __future__ import annotations

import pytest
from streamlit import config

from core.jobs.store import open_store
from core.specs import ModelSpec, RunSpec
from pages.views.app import head
from pages.views.app.frame import PAGES
from tests.pages.opening import SHORT, open_page


@pytest.mark.parametrize("path", [path for path, *_ in PAGES])
def test_every_page_has_a_name_and_share(path):
    app = open_page(path)
    assert len(app.title) == 1 and app.title[0].value
    assert any("Address of this view" in text.value for text in app.markdown)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.7", False),
        ("lab.example", False),
        (None, False),
    ],
)
def test_share_knows_whether_others_can_open_the_address(host, is_here):
    assert head._is_loopback(host) == is_here


@pytest.mark.parametrize(
    ("setting", "name"),
    [("lab.example", "lab.example"), ("http://lab.example", "lab.example"), (":80", "")],
)
def test_the_servers_own_name_stands_in_the_address(setting, name, monkeypatch):
    """As compose.yaml sets it: what Caddy takes for a site need not be a name alone."""
    assert head.own_name() == ""
    monkeypatch.setattr(config, "get_option", lambda option: setting)
    monkeypatch.setattr(config, "is_manually_set", lambda option: True)
    assert head.own_name() == name


def test_nothing_is_said_of_work_where_there_is_none():
    assert not any("Training:" in part.body for part in open_page().sidebar.get("html"))


def test_every_page_tells_of_the_work_under_way():
    open_store().enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    app = open_page("pages/glossary.py")
    assert any("Training: 1 waiting" in part.body for part in app.sidebar.get("html"))


def test_a_store_that_is_away_is_told_once_in_full(monkeypatch, tmp_path):
    """Beside the menu in a few words: there is little room, and not every page needs the store."""
    (tmp_path / "lab.sqlite").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("LAB_DATABASE_URL", f"sqlite:///{tmp_path}/lab.sqlite")
    for page, told_in_full in (("pages/glossary.py", 0), ("pages/runs.py", 1)):
        app = open_page(page)
        assert not app.exception and len(app.error) == told_in_full
        [told] = app.sidebar.caption
        assert told.value == "Runs cannot be read now." and "cannot be opened" in told.help
