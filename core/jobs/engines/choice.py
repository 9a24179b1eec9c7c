"""Which engine this lab has: LAB_ENGINE, and LAB_START_WORKER=0 for none. Imports no torch."""

from __future__ import annotations

import os
from typing import Protocol

from core.jobs.engines.cluster.child import DispatcherChild
from core.jobs.engines.local import Workers
from core.jobs.store import Store
from core.specs import LabError

LOCAL, RAY = "local", "ray"


class Engine(Protocol):
    """Executes what is queued, as a page server sees it."""

    def ensure(self, store: Store, single: bool = True) -> None:
        """Somebody executes what waits; with `single` also what may be queued soon."""

    @property
    def problem(self) -> str | None:
        """Why nobody does, in one sentence; None while somebody does."""

    def close(self) -> None:
        """Leave."""


def engine_name() -> str:
    """LOCAL or RAY. Raises LabError for another value of LAB_ENGINE."""
    name = os.environ.get("LAB_ENGINE") or LOCAL
    if name not in (LOCAL, RAY):
        raise LabError(
            "LAB_ENGINE={name} is no engine; choose from {engines}.",
            name=name,
            engines=f"{LOCAL}, {RAY}",
        )
    return name


def starts_engine() -> bool:
    """Unless LAB_START_WORKER=0 leaves that to somebody else."""
    return os.environ.get("LAB_START_WORKER", "1") != "0"


def starts_workers() -> bool:
    """Whether this machine itself executes whatever is queued."""
    return starts_engine() and engine_name() == LOCAL


def make_engine() -> Engine:
    """The one that LAB_ENGINE names. Raises LabError for another value."""
    return DispatcherChild() if engine_name() == RAY else Workers()
