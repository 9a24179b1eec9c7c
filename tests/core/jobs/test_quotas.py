"""How much a person may take, told before anything starts and held while it waits."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from core.jobs import dialects
from core.jobs.execution import execute
from core.jobs.files import run_folder
from core.jobs.people import Person, Quotas, Taken
from core.jobs.schema import jobs_table, spent_table
from core.jobs.store import JobState, Store, StoredFile
from core.measure.requests import DeviceSpeedRequest
from core.specs import LabError
from core.storage.files_place import files_place
from tests.core.jobs.class_of_people import ADA, BOB, TEACHER, signed_in
from tests.core.jobs.example_runs import SPEC, fall_silent, metrics
from tests.core.jobs.tiny_runs import TINY

MIB = 2**20
DAY = 86_400


@pytest.fixture(autouse=True)
def clock(request, monkeypatch) -> None:
    """The store's clock shows this hour of today, UTC: noon, where a test says nothing else."""
    now = time.time()
    shift = now // DAY * DAY + getattr(request, "param", 12.0) * 3600 - now
    monkeypatch.setattr(dialects, "time", SimpleNamespace(time=lambda: time.time() + shift))
    moved = f"({dialects._POSTGRESQL_NOW} + {shift})"
    monkeypatch.setattr(dialects, "_POSTGRESQL_NOW", moved)


@pytest.fixture
def people(store) -> list[Store]:
    """The store as Ada, Bob and the teacher see it, without any quota."""
    signed = signed_in(store, ADA, BOB, TEACHER)
    store.set_quotas(Quotas())
    return signed


def worked_for(store: Store, run_id: int, seconds: float) -> None:
    """The attempt under way began so long ago."""
    with store.writing() as connection:
        connection.execute(
            update(jobs_table)
            .where(jobs_table.c.id == run_id)
            .values(attempt_started_at=jobs_table.c.attempt_started_at - seconds)
        )


def a_day_passes(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(update(spent_table).values(day=spent_table.c.day - 1))


# Jobs that wait


def test_who_has_many_jobs_waiting_is_told_so(store, people):
    ada, bob, teacher = people
    store.set_quotas(Quotas(queued=3))
    ids = ada.enqueue_all([SPEC] * 2)
    with pytest.raises(
        LabError, match="2 of your 3 places in the queue are taken, too few for 2 more"
    ):
        ada.enqueue_all([SPEC] * 2)
    assert store.count() == 2  # all or none
    ada.enqueue(SPEC)
    bob.enqueue(SPEC)  # everybody has their own
    teacher.enqueue_all([SPEC] * 9)  # teachers have none
    store.request_stop(ids[:1])
    ada.enqueue(SPEC)
    with pytest.raises(
        LabError, match="3 of your 3 places in the queue are taken, too few for 1 more"
    ):
        ada.resume(ids[0])


def test_what_can_never_have_room_is_not_told_to_wait(store, people):
    ada, *_ = people
    study = ada.create_study("large", {}, [SPEC] * 4)
    ada.stop_study(study.id)
    store.set_quotas(Quotas(queued=3))
    with pytest.raises(LabError, match="takes 4 of your places in the queue, more than the 3"):
        ada.continue_study(study.id)
    store.set_quotas(Quotas(queued=0))
    with pytest.raises(LabError, match="takes 1 of your places in the queue, more than the 0"):
        ada.enqueue(SPEC)


def test_measurements_take_places_as_well(store, people):
    ada, bob, _ = people
    store.set_quotas(Quotas(queued=2))
    first, second, third = (DeviceSpeedRequest("cpu", f"CPU {number}") for number in range(3))
    ada.enqueue(SPEC)
    asked = ada.enqueue_measurement(first)
    with pytest.raises(LabError, match="2 of your 2 places in the queue are taken"):
        ada.enqueue_measurement(second)
    assert ada.enqueue_measurement(first).id == asked.id  # it waits already
    bob.enqueue_measurement(second)
    assert ada.enqueue_measurement(second).owner == BOB.id
    store.request_stop([asked.id])
    ada.enqueue_measurement(third)
    with pytest.raises(LabError, match="2 of your 2 places"):
        ada.enqueue_measurement(first)  # again


def test_two_tabs_together_get_no_more_than_one(store, people):
    store.set_quotas(Quotas(queued=5))
    ada, *_ = people

    def try_it(_tab: int) -> int:
        try:
            return len(ada.enqueue_all([SPEC] * 2))
        except LabError:
            return 0

    with ThreadPoolExecutor(8) as tabs:
        assert sum(tabs.map(try_it, range(8))) == 4
    assert store.count() == 4


# Runs at once


def test_no_more_run_at_once_than_may(store, people):
    ada, bob, _ = people
    store.set_quotas(Quotas(runs_at_once=2))
    ada.enqueue_all([SPEC] * 4)
    first = [store.claim() for _ in range(2)]
    assert store.claim() is None and not store.has_waiting() and store.waiting() == []
    bob.enqueue(SPEC)
    assert store.claim().owner == BOB.id
    store.finish(first[0], JobState.FINISHED)
    assert store.claim().owner == ADA.id


def test_one_s_own_quota_takes_the_place_of_the_class_s(store, people):
    ada, bob, _ = people
    store.set_quotas(Quotas(runs_at_once=1))
    store.set_quotas(Quotas(runs_at_once=3), ADA.id)
    ada.enqueue_all([SPEC] * 4)
    bob.enqueue_all([SPEC] * 4)
    owners = []
    while job := store.claim():
        owners.append(job.owner)
    assert (owners.count(ADA.id), owners.count(BOB.id)) == (3, 1)


def test_measurements_and_what_nobody_owns_are_not_held_back(store, people):
    ada, *_ = people
    store.set_quotas(Quotas(runs_at_once=1))
    ada.enqueue_all([SPEC] * 2)
    store.claim()
    assert store.claim() is None
    ada.enqueue_measurement(DeviceSpeedRequest("cpu", "a CPU"))
    assert store.claim().owner == ADA.id
    store.enqueue(SPEC)
    assert store.claim().owner == ""


def test_a_run_whose_worker_died_is_taken_over_within_the_quota(store, people):
    ada, *_ = people
    store.set_quotas(Quotas(runs_at_once=1))
    ada.enqueue(SPEC)
    run = store.claim()
    assert store.claim() is None
    fall_silent(store, run)
    again = store.claim()
    assert (again.id, again.attempt) == (run.id, 2)


def test_workers_that_claim_at_the_same_moment_keep_to_it(store, people):
    store.set_quotas(Quotas(runs_at_once=2))
    people[0].enqueue_all([SPEC] * 12)
    with ThreadPoolExecutor(8) as workers:
        claimed = list(workers.map(lambda _: store.claim(), range(16)))
    assert sum(job is not None for job in claimed) == 2


# Minutes a day


def test_minutes_are_counted_however_an_attempt_ends(store, people):
    ada, *_ = people
    ada.enqueue_all([SPEC] * 4)
    finished, released, died, deleted = (store.claim() for _ in range(4))
    for run in (finished, released, died, deleted):
        worked_for(store, run.id, 60)
    store.finish(finished, JobState.FINISHED)
    store.release(released)
    assert minutes(ada) == pytest.approx(4, abs=0.05)  # two are under way
    fall_silent(store, died, 30)  # a minute, less the last half of it
    store.delete([deleted.id])
    assert minutes(ada) == pytest.approx(3.5, abs=0.05)
    store.end_lease("")
    taken_over = store.claim()
    store.finish(taken_over, JobState.FINISHED)
    assert minutes(ada) == pytest.approx(3.5, abs=0.05)
    a_day_passes(store)
    assert minutes(ada) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("clock", [1 / 6], indirect=True)
def test_a_run_over_midnight_takes_of_each_day_its_part(store, people):
    """At ten past twelve: after two days and forty minutes, and after half an hour."""
    ada, bob, _ = people
    ada.enqueue(SPEC)
    bob.enqueue(SPEC)
    long, short = store.claim(), store.claim()
    worked_for(store, long.id, 2 * DAY + 40 * 60)
    worked_for(store, short.id, 30 * 60)
    assert [minutes(ada), minutes(bob)] == pytest.approx([10, 10], abs=0.1)  # still under way
    store.finish(long, JobState.FINISHED)
    store.finish(short, JobState.FINISHED)
    assert [minutes(ada), minutes(bob)] == pytest.approx([10, 10], abs=0.1)
    assert booked(store, ADA) == pytest.approx([10, 24 * 60, 24 * 60, 30], abs=0.1)
    assert booked(store, BOB) == pytest.approx([10, 20], abs=0.1)


@pytest.mark.parametrize("clock", [1 / 6], indirect=True)
def test_who_died_before_midnight_has_taken_nothing_of_today(store, people):
    ada, *_ = people
    ada.enqueue(SPEC)
    run = store.claim()
    worked_for(store, run.id, 3600)
    fall_silent(store, run, 1800)
    assert minutes(ada) == 0
    store.end_lease("")
    again = store.claim()
    assert minutes(ada) == pytest.approx(0, abs=0.1)
    assert booked(store, ADA) == pytest.approx([30], abs=0.1)
    assert again.attempt == 2


def booked(store: Store, person: Person) -> list[float]:
    """Minutes that are written down for each day, the last one first."""
    spent = spent_table.c
    query = select(spent.seconds).where(spent.owner == person.id).order_by(spent.day.desc())
    with store.reading() as connection:
        return [seconds / 60 for seconds in connection.scalars(query)]


def minutes(store: Store) -> float:
    return store.allowance().taken.minutes_today


def test_who_has_no_minutes_left_waits_until_tomorrow(store, people):
    ada, bob, _ = people
    store.set_quotas(Quotas(minutes_a_day=10))
    ada.enqueue_all([SPEC] * 2)
    run = store.claim()
    worked_for(store, run.id, 601)
    store.finish(run, JobState.FINISHED)
    assert store.claim() is None
    with pytest.raises(LabError, match="10 of your 10 minutes of today"):
        ada.enqueue(SPEC)
    with pytest.raises(LabError, match="10 of your 10 minutes of today"):
        ada.enqueue_measurement(DeviceSpeedRequest("cpu", "a CPU"))
    bob.enqueue(SPEC)
    assert store.claim().owner == BOB.id
    a_day_passes(store)
    assert store.claim().owner == ADA.id


def test_deleting_a_run_gives_no_minutes_back(store, people):
    ada, *_ = people
    store.set_quotas(Quotas(minutes_a_day=10))
    ada.enqueue(SPEC)
    run = store.claim()
    worked_for(store, run.id, 601)
    store.finish(run, JobState.FINISHED)
    ada.delete([run.id])
    with pytest.raises(LabError, match="minutes of today"):
        ada.enqueue(SPEC)


# Files


def test_files_are_counted_until_they_are_deleted(store, people):
    ada, *_ = people
    store.set_quotas(Quotas(kept_bytes=30 * MIB))
    ada.enqueue(SPEC)
    run = store.claim()
    checkpoint, best = StoredFile("c", "00", 18 * MIB, 2 * MIB), StoredFile("b", "11", 10 * MIB)
    store.record(run, metrics(1), checkpoint, best)
    store.finish(run, JobState.FINISHED)
    assert ada.allowance().taken.kept_bytes == 30 * MIB
    with pytest.raises(LabError, match="take 30 of your 30 MiB; delete runs"):
        ada.enqueue(SPEC)
    ada.enqueue_measurement(DeviceSpeedRequest("cpu", "a CPU"))  # keeps none
    ada.delete([run.id])
    ada.enqueue(SPEC)


@pytest.mark.sqlite
def test_a_run_weighs_what_its_files_do(store, people):
    ada, *_ = people
    ada.enqueue(TINY)
    run = store.claim()
    assert execute(store, run) is JobState.FINISHED
    sizes = files_place().sizes(run_folder(run))
    assert {name.partition("-")[0] for name in sizes} == {"best", "checkpoint", "trail", "path"}
    assert ada.allowance().taken.kept_bytes == sum(sizes.values())


# What teachers are shown


def test_what_each_has_taken(store, people):
    ada, bob, teacher = people
    ada.enqueue_all([SPEC] * 3)
    bob.enqueue(SPEC)
    store.claim()
    by_name = {row.person.name: row.taken for row in teacher.participants()}
    assert (by_name["Ada"].running, by_name["Ada"].queued) == (1, 2)
    assert (by_name["Bob"].running, by_name["Bob"].queued) == (0, 1)
    assert by_name["Tess"] == Taken()


def test_whoever_was_never_met_has_the_quotas_of_a_class(store):
    stranger = store.acting_for(Person("s" * 20, "Stranger"))
    assert stranger.allowance().quotas.runs_at_once == 2


def test_today_is_a_day_of_utc(store):
    with store.reading() as connection:
        day = connection.scalar(select(dialects.today()))
    assert day in (int(time.time() // 86400), int((time.time() - 5) // 86400))
