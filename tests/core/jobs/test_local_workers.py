"""The workers that a page server starts: as many as there is work and room for."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.jobs.engines import local
from core.jobs.store import Store, Worker
from core.jobs.workers import QueueFilter
from core.measure.requests import LayerTimesRequest
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import Device

SPEC = RunSpec(
    ModelSpec("course-residual", image_size=28),
    "fashion-mini",
    Recipe("fast", epochs=2, batch_size=64, learning_rate=0.05),
)


class FakeProcess:
    """What Workers asks of a process."""

    def __init__(
        self, queue_filter: QueueFilter, drain: bool = False, threads: int | None = None
    ) -> None:
        self.queue_filter, self.drain, self.threads = queue_filter, drain, threads
        self.is_alive, self.is_starting, self.began = True, False, time.monotonic()
        self.process = SimpleNamespace(poll=lambda: 0)
        self.name = f"{queue_filter} of this machine"
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def workers(monkeypatch) -> local.Workers:
    """Workers that are no processes, on a machine with memory."""
    monkeypatch.setattr(local, "WorkerProcess", FakeProcess)
    monkeypatch.setattr(local, "_memory_gibibytes", lambda: 64)
    return local.Workers()


def of_studies(workers: local.Workers) -> list[FakeProcess]:
    return workers.running[QueueFilter.STUDIES]


def queue_study(store: Store, runs: int) -> None:
    if runs:
        store.create_study("one", {}, [SPEC] * runs)


@pytest.mark.parametrize(
    ("runs", "cores", "count", "threads"),
    [(12, 2, 2, 1), (12, 8, 8, 1), (3, 8, 3, 2), (1, 8, 1, 8), (1, 1, 1, 1), (0, 4, 0, 0)],
)
def test_as_many_workers_as_cores_share_the_threads(workers, store, runs, cores, count, threads):
    queue_study(store, runs)
    workers.ensure(store, single=False, cores=cores)
    assert [worker.threads for worker in of_studies(workers)] == [threads] * count
    assert all(worker.drain for worker in of_studies(workers))


def test_one_that_has_just_been_started_is_about_to_take_a_run(workers, store):
    queue_study(store, 1)
    workers.ensure(store, cores=8)
    of_studies(workers)[0].is_starting = True
    workers.ensure(store, cores=8)
    assert len(of_studies(workers)) == 1
    queue_study(store, 1)
    workers.ensure(store, cores=8)
    assert len(of_studies(workers)) == 2


def test_runs_that_others_have_need_no_worker(workers, store):
    """A worker in a terminal may execute the study; none is started over and over beside it."""
    queue_study(store, 1)
    store.claim()
    workers.ensure(store, cores=8)
    assert of_studies(workers) == []


def test_a_run_whose_worker_died_waits_for_another(workers, store, monkeypatch):
    monkeypatch.setattr("core.jobs.queue.LEASE_SECONDS", -1.0)
    queue_study(store, 1)
    run = store.claim()
    assert [waiting.id for waiting in store.waiting(QueueFilter.STUDIES)] == [run.id]
    workers.ensure(store, cores=8)
    assert len(of_studies(workers)) == 1


def test_only_dead_workers_are_replaced(workers, store):
    queue_study(store, 12)
    workers.ensure(store, cores=2)
    first, second = of_studies(workers)
    first.is_alive = False
    workers.ensure(store, cores=2)
    assert of_studies(workers)[0] is second and len(of_studies(workers)) == 2


def test_little_memory_means_few_workers(workers, store, monkeypatch):
    monkeypatch.setattr(local, "_memory_gibibytes", lambda: 3)
    queue_study(store, 100)
    workers.ensure(store, cores=64)
    assert len(of_studies(workers)) == 3


def test_single_runs_and_measurements_have_a_worker_each(workers, store):
    workers.ensure(store, single=False)
    assert not any(workers.running.values())
    workers.ensure(store)
    workers.ensure(store)
    assert len(workers.running[QueueFilter.SINGLE]) == 1
    assert workers.running[QueueFilter.MEASUREMENTS] == []
    store.enqueue_measurement(LayerTimesRequest(SPEC.model, "cpu", 2))
    workers.ensure(store)
    [measuring] = workers.running[QueueFilter.MEASUREMENTS]
    assert measuring.drain


def test_who_is_about_to_queue_a_run_wakes_the_worker_of_single_runs(workers, store):
    workers.ensure(store)
    [single] = workers.running[QueueFilter.SINGLE]
    workers.ensure(store, single=False)
    assert single.woken == 0
    workers.ensure(store)
    assert single.woken == 1


def test_none_is_started_for_what_this_machine_does_not_have(workers, store):
    queue_study(store, 1)
    workers.ensure(store, single=False, cores=8)
    [first] = of_studies(workers)
    store.claim()
    here = Worker(first.name, "here", (Device("cpu", "a CPU"),), 2, 2**30)
    store.declare(here)
    store.leave(here.process)  # it found no more to do
    first.is_alive = False
    store.create_study("on cards", {}, [replace(SPEC, device="cuda")] * 3)
    store.enqueue_measurement(LayerTimesRequest(SPEC.model, "cuda", 2))
    for _ in range(3):
        workers.ensure(store, single=False, cores=8)
    assert not any(workers.running.values())
    store.enqueue_measurement(LayerTimesRequest(SPEC.model, "cpu", 2))
    workers.ensure(store, single=False, cores=8)
    assert len(workers.running[QueueFilter.MEASUREMENTS]) == 1
