"""Stores of the bench's own, and what their runs have taken."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

if TYPE_CHECKING:
    from core.jobs.records import Run
    from core.jobs.store import Store


@contextmanager
def empty_store() -> Iterator[Store]:
    """A store in a folder of its own, for this process and those that it starts."""
    from core.jobs.store import open_store

    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, {"LAB_RUNS_DIR": folder}),
    ):
        os.environ.pop("LAB_DATABASE_URL", None)
        store = open_store()
        yield store
        store.close()


def seconds_between(runs: Iterable[Run]) -> float:
    """From the first start to the last end of these runs."""
    ended = list(runs)
    starts = [run.started_at for run in ended if run.started_at]
    ends = [run.finished_at for run in ended if run.finished_at]
    return max(ends) - min(starts)
