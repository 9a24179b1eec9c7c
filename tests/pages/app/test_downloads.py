"""A file that cannot be made says why, beside its button."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from streamlit.runtime.backend_operation_handler import DeferredFileHandler

from core.language import ENGLISH
from core.specs import LabError
from pages.views.app import server
from pages.views.app.downloads import _made


def asked_for(make) -> str:
    """The error that the browser is told when it asks for this file."""
    manager = SimpleNamespace(execute_deferred=lambda _: _made(make, ENGLISH, None))
    request = SimpleNamespace(request_id="1", deferred_file=SimpleNamespace(file_id="2"))
    handler = DeferredFileHandler(lambda: manager)
    return asyncio.run(handler.handle(request, "session")).error_msg


def test_the_browser_is_told_the_sentence_of_a_file_that_cannot_be_made(monkeypatch):
    monkeypatch.setattr(DeferredFileHandler, "handle", DeferredFileHandler.handle)
    server._let_downloads_say_why()

    def refuses() -> bytes:
        raise LabError("It has no room.\n\nFile nets.py, line 3")

    def breaks() -> bytes:
        raise KeyError("secret")

    assert asked_for(refuses) == "It has no room."
    assert "secret" not in asked_for(breaks)
    assert asked_for(lambda: b"") != "It has no room."  # nothing is left of the one before


def test_outside_of_the_server_the_error_is_as_it_was():
    def refuses() -> bytes:
        raise LabError("It has no room.")

    with pytest.raises(LabError, match="no room"):
        _made(refuses, ENGLISH, None)
