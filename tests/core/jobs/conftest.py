"""What the tests of the queue and of its workers share."""

from __future__ import annotations

import pytest

from core.jobs import heartbeat as heartbeat_module
from core.jobs import queue as queue_module
from core.jobs.store import Store, open_store


@pytest.fixture
def store() -> Store:
    return open_store()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Hearts beat fast, so that a stop is heard within a few steps; nobody waits long."""
    monkeypatch.setattr(heartbeat_module, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(heartbeat_module, "HEARTBEAT_SECONDS", 0.01)


@pytest.fixture
def no_lease(monkeypatch) -> None:
    """A worker that died is missed at once."""
    monkeypatch.setattr(queue_module, "LEASE_SECONDS", 0.0)
