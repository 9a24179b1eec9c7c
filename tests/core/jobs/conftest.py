"""What the tests of the queue and of its workers share."""

from __future__ import annotations

from functools import cache

import pytest
from torch import Tensor

from core.data import load as load_module
from core.jobs import heartbeat as heartbeat_module
from core.jobs import queue as queue_module
from core.jobs.store import Store, open_store
from tests.databases import database, postgresql_server, pytest_generate_tests  # noqa: F401
from tests.places import bucket, elsewhere, s3_server  # noqa: F401


@cache
def _few_to_test(name: str, split: str) -> tuple[Tensor, Tensor]:
    """The split of a data set; of the test images the first hundred."""
    images, labels = _whole_split(name, split)
    return (images[:100], labels[:100]) if split == "test" else (images, labels)


_whole_split = load_module._load_split


@pytest.fixture
def few_test_images(monkeypatch) -> None:
    """Runs in this process are tested on 100 images: most of their time would go there."""
    monkeypatch.setattr(load_module, "_load_split", _few_to_test)


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
