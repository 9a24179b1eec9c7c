"""Runs in a store, and what may happen to their workers, for the tests of the queue."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from core.jobs import queue as queue_module
from core.jobs.dialects import now
from core.jobs.schema import jobs_table
from core.jobs.store import (
    JobState,
    Run,
    Store,
    UnreadableJob,
)
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import EpochMetrics

PROJECT = Path(__file__).parents[3]
SPEC = RunSpec(
    ModelSpec("course-residual", image_size=28, options={"shortcut": "conv"}),
    "fashion-mini",
    recipe("fast", 400),
    train_images=400,
)


def metrics(epoch: int, accuracy: float = 0.5) -> EpochMetrics:
    return EpochMetrics(epoch, 0.25, 0.5, 0.375, accuracy, 1.5, 0.5, 266.5, 0.0625)


def claimed(store: Store) -> Run:
    """A run that this test's worker holds."""
    run_id = store.enqueue(SPEC)
    run = store.claim()
    assert run is not None and run.id == run_id
    return run


def fall_silent(store: Store, run: Run, seconds: float = 60) -> None:
    """The worker of `run` has died: its last sign of life is `seconds` ago."""
    with store.writing() as connection:
        connection.execute(
            update(jobs_table)
            .where(jobs_table.c.id == run.id)
            .values(
                heartbeat_at=now() - seconds,
                lease_until=now() - seconds + queue_module.LEASE_SECONDS,
            )
        )


def state(store: Store, run: Run) -> JobState:
    return store.get(run.id).state


def unreadable(store: Store) -> list[UnreadableJob]:
    """The rows that this lab cannot read."""
    runs = [row for row in store.listed() if isinstance(row, UnreadableJob)]
    return runs + store.unreadable_measurements()
