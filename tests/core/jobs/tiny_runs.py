"""A run that takes a second, and its history, for the tests of the worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from core.jobs import heartbeat as heartbeat_module
from core.jobs.execution import execute
from core.jobs.store import JobState, Run, Store
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import TIMES, EpochMetrics, Progress

PROJECT = Path(__file__).parents[3]
TINY = RunSpec(
    ModelSpec("lenet", image_size=28),
    "fashion-mini",
    recipe("fast", 96, epochs=3, batch_size=32),
    train_images=96,
)


def claimed(store: Store, spec: RunSpec = TINY) -> Run:
    store.enqueue(spec)
    run = store.claim()
    assert run is not None
    return run


def history(store: Store, run_id: int) -> list[dict]:
    """The figures of every epoch, without the times, which no two runs share."""
    return [
        {name: value for name, value in asdict(row).items() if name not in TIMES}
        for row in store.epochs([run_id])[run_id]
    ]


def uninterrupted(store: Store, spec: RunSpec) -> list[dict]:
    run = store.start_here(spec)
    assert execute(store, run) is JobState.FINISHED
    return history(store, run.id)


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def stopped_in_the_second_epoch(store: Store) -> int:
    run = claimed(store)

    def stop(event: Progress | EpochMetrics) -> None:
        if isinstance(event, Progress) and (event.epoch, event.step) == (2, 1):
            raise heartbeat_module.StopRequested

    assert execute(store, run, stop) is JobState.STOPPED
    return run.id
