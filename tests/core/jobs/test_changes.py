"""Who shows the store hears when something in it has changed, whoever has changed it."""

from __future__ import annotations

import threading
import time

import pytest

from core.jobs import changes as changes_module
from core.jobs.changes import Changes
from core.jobs.listener import Listener
from core.jobs.store import open_store
from tests.core.jobs.example_runs import SPEC

CHANGES = {
    "a run is queued": lambda store: store.enqueue(SPEC),
    "a study is renamed": lambda store: store.rename_study(store.studies()[0].id, "Again"),
    "a run is stopped": lambda store: store.request_stop([1]),
    "a run is taken": lambda store: store.claim("somebody"),
    "a run is deleted": lambda store: store.delete([2]),
}
NO_CHANGES = {
    "it is read": lambda store: store.get(1),
    "a job is looked for that is not there": lambda store: store.claim("somebody", job_id=99),
    "nothing fits": lambda store: store.request_stop([99]),
}


@pytest.fixture
def heard(store):
    """Of a store with a study of two runs."""
    store.create_study("Two", {}, [SPEC, SPEC])
    changes = Changes(store)
    changes.wait()  # what was before
    yield changes
    changes.close()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_heard_once_it_can_be_seen(heard, change):
    change(open_store())
    assert heard.wait()
    assert not heard.wait()  # and only once


@pytest.mark.parametrize("nothing", NO_CHANGES.values(), ids=NO_CHANGES)
def test_nothing_is_heard_of_what_changes_nothing(heard, nothing):
    nothing(open_store())
    assert not heard.wait()


def test_nothing_is_heard_of_what_is_taken_back(heard):
    other = open_store()

    def fail() -> None:
        with other.writing() as connection:
            other._insert_runs(connection, [SPEC], None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not heard.wait()


def test_who_waits_is_woken(heard, monkeypatch):
    monkeypatch.setattr(changes_module, "_LONGEST_SECONDS", 30.0)
    somebody = threading.Timer(0.2, open_store().enqueue, [SPEC])
    began = time.monotonic()
    somebody.start()
    assert heard.wait()
    assert 0.1 < time.monotonic() - began < 10
    somebody.join()


@pytest.mark.sqlite
def test_a_file_that_cannot_be_asked_may_have_changed(heard, monkeypatch):
    monkeypatch.setattr(changes_module, "_LONGEST_SECONDS", 0.01)
    heard._file.close()
    assert heard.wait()


@pytest.mark.postgresql
def test_who_hears_nothing_through_a_pool_of_connections_guesses(store, monkeypatch):
    monkeypatch.setattr(changes_module, "_LONGEST_SECONDS", 0.01)
    monkeypatch.setattr(Listener, "hears", lambda listener, seconds: False)
    changes = Changes(store)
    assert [changes.wait() for _ in range(3)] == 3 * [True]
    changes.close()


@pytest.mark.postgresql
def test_a_server_that_was_away_may_have_changed_and_is_heard_again(heard, postgresql_server):
    postgresql_server.stop()
    assert heard.wait()
    postgresql_server.start()
    assert heard.wait()
    assert not heard.wait()
    open_store().enqueue(SPEC)
    assert heard.wait()
