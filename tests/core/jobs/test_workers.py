"""Workers declare what they have; each job goes to one that can execute it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import update

from core.analysis.kept import analyze_once
from core.jobs import asleep as asleep_module
from core.jobs import presence as presence_module
from core.jobs import workers as workers_module
from core.jobs.asleep import sleep
from core.jobs.needs import Needs, needs_of_run
from core.jobs.presence import Presence
from core.jobs.processes import end_leases_of_the_dead, process_here
from core.jobs.schema import jobs_table, workers_table
from core.jobs.store import JobState, QueueFilter, Store, Worker, open_store
from core.jobs.worker import this_worker, work
from core.specs import LabError, ModelSpec
from core.training.records import Device
from tests.core.jobs.example_runs import SPEC
from tests.core.jobs.tiny_runs import TINY, wait_until

GIBIBYTE = 2**30
CPU = Device("cpu", "a CPU, 4 threads", 16 * GIBIBYTE)
CARD = Device("cuda", "NVIDIA H100", 80 * GIBIBYTE)
SECOND_CARD = replace(CARD, name="cuda:1")
PLAIN = Worker("plain 1", "plain", (CPU,), 4, 16 * GIBIBYTE)
WITH_CARD = Worker("card 1", "card", (CARD, CPU), 16, 128 * GIBIBYTE)


@pytest.fixture
def taken_apart() -> None:
    """The network of SPEC is known, as a page has shown it."""
    analyze_once(SPEC.model)


def queued(store: Store, device: str) -> int:
    return store.enqueue(replace(SPEC, device=device))


def claimed_by(store: Store, worker: Worker) -> list[int]:
    """All that it takes, one after the other."""
    jobs = iter(lambda: store.claim(worker.process, devices=worker.devices), None)
    return [job.id for job in jobs]


# Who takes what


def test_each_run_goes_to_a_worker_that_has_its_device(store):
    on_card, on_cpu = queued(store, "cuda"), queued(store, "cpu")
    assert store.has_waiting(devices=PLAIN.devices)
    assert [job.id for job in store.waiting(devices=PLAIN.devices)] == [on_cpu]
    assert claimed_by(store, PLAIN) == [on_cpu]
    assert not store.has_waiting(devices=PLAIN.devices)
    assert store.get(on_card).state is JobState.QUEUED
    assert claimed_by(store, WITH_CARD) == [on_card]


@pytest.mark.parametrize(
    ("device", "takers"),
    [
        ("cpu", {"plain", "card", "two cards"}),
        ("cuda", {"card", "two cards"}),
        ("cuda:0", {"card", "two cards"}),
        ("cuda:1", {"two cards"}),
        ("mps", set()),
        ("npu", set()),
    ],
)
def test_a_device_is_known_by_its_name(store, device, takers):
    two = replace(WITH_CARD, devices=(CARD, SECOND_CARD, CPU))
    workers = {"plain": PLAIN, "card": WITH_CARD, "two cards": two}
    queued(store, device)
    assert takers == {
        name for name, worker in workers.items() if store.has_waiting(devices=worker.devices)
    }


def test_a_run_goes_where_its_memory_is(store, taken_apart):
    run = store.get(queued(store, "cpu"))
    assert run.needs_bytes > 0
    small = replace(CPU, memory_bytes=run.needs_bytes - 1)
    assert store.claim(devices=[small]) is None
    assert store.claim(devices=[replace(CPU, memory_bytes=run.needs_bytes)]).id == run.id


@pytest.mark.parametrize("memory", [None, 0], ids=["of the device", "of the run"])
def test_unknown_memory_is_tried(store, taken_apart, memory):
    spec = SPEC if memory is None else replace(SPEC, model=ModelSpec("lenet", image_size=31))
    run_id = store.enqueue(spec)
    assert (store.get(run_id).needs_bytes is None) == (memory == 0)
    assert store.claim(devices=[replace(CPU, memory_bytes=memory)]).id == run_id


def test_one_job_is_judged_as_the_database_judges_all(store):
    needs = [
        Needs(),
        *(Needs(device) for device in ("cpu", "cuda", "cuda:1")),
        Needs("cuda", hardware="NVIDIA H100"),
        Needs("cuda", hardware="Tesla T4"),
        *(Needs("cpu", memory_bytes=gibibytes * GIBIBYTE) for gibibytes in (15, 16, 17)),
    ]
    ids = store.enqueue_all([SPEC] * len(needs))
    with store.writing() as connection:
        for job_id, each in zip(ids, needs, strict=True):
            job = jobs_table.c.id == job_id
            connection.execute(update(jobs_table).where(job).values(**each.columns()))
    for device in (CPU, CARD, SECOND_CARD, replace(CPU, memory_bytes=None)):
        taken = {job.id for job in store.waiting(devices=[device])}
        assert taken == {
            job_id for job_id, each in zip(ids, needs, strict=True) if each.is_met_by(device)
        }


def test_runs_of_one_study_need_what_their_network_needs(store, taken_apart):
    specs = [replace(SPEC, seed=seed) for seed in range(3)]
    study = store.create_study("three", {}, specs)
    needs = needs_of_run(SPEC)
    assert needs.memory_bytes and {run.needs_bytes for run in store.runs(study=study.id)} == {
        needs.memory_bytes
    }


def test_a_run_that_goes_on_needs_what_it_needed(store):
    run_id = queued(store, "cuda")
    run = store.claim(devices=WITH_CARD.devices)
    store.finish(run, JobState.STOPPED)
    store.resume(run_id)
    assert claimed_by(store, PLAIN) == [] and claimed_by(store, WITH_CARD) == [run_id]


def test_the_run_of_a_worker_that_died_waits_for_another_that_can(store, monkeypatch):
    monkeypatch.setattr("core.jobs.queue.LEASE_SECONDS", -1.0)
    run_id = queued(store, "cuda")
    store.claim(devices=WITH_CARD.devices)
    assert claimed_by(store, PLAIN) == []
    assert store.claim("another", devices=WITH_CARD.devices).id == run_id


# Who is there


def test_a_worker_is_listed_with_what_it_has_and_does(store):
    store.declare(WITH_CARD)
    run_id = queued(store, "cuda")
    [idle] = store.workers()
    assert abs(idle.since - time.time()) < 60
    assert replace(idle, since=0.0) == WITH_CARD
    store.claim(WITH_CARD.process, devices=WITH_CARD.devices)
    [busy] = store.workers()
    assert busy.jobs == (run_id,) and busy.since == idle.since
    store.finish(store.get(run_id), JobState.FINISHED)
    assert store.workers() == [idle]


def test_signs_of_life_keep_its_beginning_and_tell_what_is_new(store):
    store.declare(WITH_CARD)
    [first] = store.workers()
    store.declare(replace(WITH_CARD, devices=(CPU,)))
    [again] = store.workers()
    assert again.since == first.since and again.devices == (CPU,)


def test_one_that_leaves_is_no_longer_listed_but_what_it_had_is_known(store):
    store.declare(PLAIN)
    store.declare(WITH_CARD)
    store.leave(WITH_CARD.process)
    assert [worker.machine for worker in store.workers()] == ["plain"]
    assert store.devices_of(["nobody", WITH_CARD.process]) == WITH_CARD.devices
    assert store.devices_of(["nobody"]) is None


def fall_silent(store: Store, worker: Worker, seconds: float) -> None:
    """Its last sign of life is so long ago."""
    lease_until = time.time() - seconds + workers_module.LEASE_SECONDS
    changed = update(workers_table).where(workers_table.c.process == worker.process)
    with store.writing() as connection:
        connection.execute(changed.values(lease_until=lease_until))


def test_one_that_dies_disappears_after_its_lease(store):
    store.declare(PLAIN)
    fall_silent(store, PLAIN, workers_module.LEASE_SECONDS - 5)
    assert len(store.workers()) == 1
    fall_silent(store, PLAIN, workers_module.LEASE_SECONDS + 1)
    assert store.workers() == []
    store.declare(PLAIN)  # it only slept
    assert len(store.workers()) == 1


def test_jobs_under_way_are_known_by_who_has_them_and_those_of_the_dead_apart(store):
    first, second, lost, _waiting = (store.enqueue(SPEC) for _ in range(4))
    for worker in ("one", "one", "two"):
        store.claim(worker)
    assert store.jobs_under_way() == {"one": [first, second], "two": [lost]}
    store.end_lease("two")
    assert store.jobs_under_way() == {"one": [first, second], "": [lost]}
    assert store.claim("one").id == lost
    assert store.jobs_under_way() == {"one": [first, second, lost]}


def test_those_long_dead_are_forgotten(store):
    store.declare(PLAIN)
    fall_silent(store, PLAIN, 2 * 3600)
    store.declare(WITH_CARD)
    assert store.devices_of([PLAIN.process]) is None


def test_one_that_was_killed_on_this_machine_is_missed_at_once(store):
    store.declare(replace(PLAIN, process=process_here(2**22 + 1)))  # more than Linux has
    store.declare(WITH_CARD)
    end_leases_of_the_dead(store)
    assert [worker.machine for worker in store.workers()] == ["card"]


@pytest.mark.postgresql  # SQLite runs inside of its programs: its clock is theirs
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_changes_nothing(store, monkeypatch, hours):
    right = time.time
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time", lambda: right() + 3600 * hours)
        store.declare(PLAIN)
        store.declare(WITH_CARD)
        assert len(store.workers()) == 2
        store.leave(WITH_CARD.process)
    [listed] = store.workers()
    assert listed.machine == "plain" and abs(listed.since - time.time()) < 60


# The worker itself


def test_it_says_what_this_machine_has():
    worker = this_worker()
    assert worker.devices[-1].name == "cpu" and "CPU" in worker.devices[-1].hardware
    assert worker.devices[-1].memory_bytes == worker.memory_bytes > GIBIBYTE // 4
    assert worker.cores >= 1 and Worker.from_json(worker.to_json()) == worker
    assert [device.name for device in this_worker(device_names=["cpu"]).devices] == ["cpu"]
    with pytest.raises(LabError, match="There is no device 'npu' on this machine; it has .*cpu"):
        this_worker(device_names=["cpu", "npu"])


def test_it_lives_while_it_works_and_leaves_in_good_order(store, monkeypatch):
    monkeypatch.setattr(presence_module, "SIGN_SECONDS", 0.02)
    with Presence(store, PLAIN):
        wait_until(store.workers)
        [first] = leases(store)
        wait_until(lambda: leases(store)[0] > first)
    assert store.workers() == []


def leases(store: Store) -> list[float]:
    with store.reading() as connection:
        return list(
            connection.scalars(
                workers_table.select().with_only_columns(workers_table.c.lease_until)
            )
        )


def test_it_lives_while_it_sleeps(store, monkeypatch):
    monkeypatch.setattr(asleep_module, "SIGN_SECONDS", 0.02)
    monkeypatch.setattr(asleep_module, "_LOOK_SECONDS", 0.02)
    monkeypatch.setenv(asleep_module._ASLEEP, PLAIN.to_json())
    queued(store, "cuda")  # which wakes nobody
    sleeper = threading.Thread(target=sleep, args=(open_store(), False))
    sleeper.start()
    wait_until(store.workers)
    [first] = leases(store)
    wait_until(lambda: leases(store)[0] > first)
    assert sleeper.is_alive()
    queued(store, "cpu")
    sleeper.join(30)
    assert not sleeper.is_alive()


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread", "few_test_images")
def test_what_it_cannot_execute_stays_in_the_queue(store):
    on_card, on_cpu = store.enqueue_all([replace(TINY, device="cuda"), TINY])
    assert work(store, drain=True, worker=replace(this_worker(), devices=(CPU,))) == 1
    assert store.get(on_card).state is JobState.QUEUED
    assert store.get(on_cpu).state is JobState.FINISHED


def test_filter_and_devices_hold_together(store):
    store.create_study("one", {}, [replace(SPEC, device="cuda")])
    assert store.has_waiting(QueueFilter.STUDIES, WITH_CARD.devices)
    assert not store.has_waiting(QueueFilter.STUDIES, PLAIN.devices)
    assert not store.has_waiting(QueueFilter.SINGLE, WITH_CARD.devices)
