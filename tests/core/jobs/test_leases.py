"""Whoever has lost a job can no longer change it; a dead worker's job is taken over."""

from __future__ import annotations

import time

import pytest

from core.jobs import queue as queue_module
from core.jobs.queue import MAX_DEATHS, MAX_EARLY_DEATHS
from core.jobs.store import (
    JobState,
    LostJob,
    Run,
    Store,
    StoredFile,
)
from core.language import Message
from core.training.records import ComputePlan, Progress
from tests.core.jobs.example_runs import SPEC, claimed, fall_silent, metrics, state

# Times


@pytest.mark.sqlite
def test_a_runs_time_goes_from_its_start_to_its_end(store, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    run_id = store.enqueue(SPEC)
    now = 1_010.0
    run = store.claim()
    assert (run.created_at, run.started_at) == (1_000.0, 1_010.0)
    now = 1_013.0
    assert store.get(run_id).seconds == 3.0
    store.finish(run, JobState.FINISHED)
    now = 9_999.0
    done = store.get(run_id)
    assert (done.finished_at, done.seconds) == (1_013.0, 3.0)


def test_a_second_attempt_keeps_the_first_start(store, monkeypatch):
    run = claimed(store)
    fall_silent(store, run)
    again = store.claim()
    assert again.started_at == run.started_at and again.attempt == run.attempt + 1


# Whoever has lost a run can no longer change it


def ways_to_write(store: Store, run: Run) -> list:
    return [
        lambda: store.heartbeat(run, Progress("training", 1, 5, 1, 9)),
        lambda: store.record(run, metrics(9, accuracy=0.9)),
        lambda: store.forget_epochs(run, after=0),
        lambda: store.describe(run, "elsewhere", "another processor", ComputePlan(1, True)),
        lambda: store.keep_checkpoint(run, StoredFile("checkpoint-1-0-7.pt", "00")),
        lambda: store.finish(run, JobState.FAILED, Message("elsewhere")),
    ]


def assert_locked_out(store: Store, run: Run) -> None:
    before = store.runs(), store.epochs([run.id])
    for write in ways_to_write(store, run):
        with pytest.raises(LostJob):
            write()
    store.release(run)  # says nothing, does nothing
    assert (store.runs(), store.epochs([run.id])) == before


def test_an_older_attempt_is_locked_out(store):
    old = claimed(store)
    store.record(old, metrics(1))
    fall_silent(store, old)
    new = store.claim()
    assert (new.id, new.attempt) == (old.id, old.attempt + 1)
    assert_locked_out(store, old)
    store.record(new, metrics(2))
    assert [row.epoch for row in store.epochs([new.id])[new.id]] == [1, 2]


@pytest.mark.parametrize("end", [JobState.FINISHED, JobState.STOPPED, JobState.FAILED])
def test_a_run_that_is_over_is_locked(store, end):
    run = claimed(store)
    store.finish(run, end)
    assert_locked_out(store, run)


def test_a_run_given_back_is_locked(store):
    run = claimed(store)
    store.release(run)
    assert state(store, run) is JobState.QUEUED
    assert_locked_out(store, run)
    assert store.claim().id == run.id


def test_a_deleted_run_is_locked(store):
    run = claimed(store)
    store.delete([run.id])
    assert_locked_out(store, run)


# Leases


def test_a_living_run_is_not_taken_away(store):
    run = claimed(store)
    fall_silent(store, run, seconds=queue_module.LEASE_SECONDS - 5)
    assert store.claim() is None
    assert store.heartbeat(run, None) is False


def test_a_sign_of_life_renews_the_lease(store):
    run = claimed(store)
    fall_silent(store, run)
    store.heartbeat(run, None)
    assert store.claim() is None


def test_a_silent_run_is_taken_over(store):
    run = claimed(store)
    store.heartbeat(run, Progress("training", 2, 5, 3, 9))
    fall_silent(store, run)
    taken = store.claim()
    assert taken.id == run.id and taken.state is JobState.RUNNING and taken.progress is None


def test_three_deaths_in_training_without_an_epoch_end_the_run_with_the_reason(store):
    run = claimed(store)
    for _ in range(MAX_DEATHS - 1):
        store.heartbeat(run, Progress("training", 1, 5, 1, 9))
        fall_silent(store, run)
        run = store.claim()
    store.heartbeat(run, Progress("training", 1, 5, 1, 9))
    fall_silent(store, run)
    assert store.claim() is None
    dead = store.get(run.id)
    assert dead.state is JobState.FAILED and dead.finished_at is not None
    assert dead.message.startswith("Its worker died 3 times") and "smaller batch" in dead.message


def test_workers_that_die_while_they_start_are_counted_apart(store):
    """They have trained nothing, so the advice is another, and it takes more of them."""
    run = claimed(store)
    for death in range(1, MAX_EARLY_DEATHS):
        if death == 4:  # two deaths in training do not add up with those
            store.heartbeat(run, Progress("training", 1, 5, 1, 9))
        store.heartbeat(run, Progress("preparing", 1, 5, 1, 9))
        fall_silent(store, run)
        run = store.claim()
        assert run is not None and run.attempt == death + 1
    fall_silent(store, run)
    assert store.claim().attempt == MAX_EARLY_DEATHS + 1  # one of the deaths was in training
    fall_silent(store, run)
    assert store.claim() is None
    dead = store.get(run.id)
    assert dead.state is JobState.FAILED
    assert "before the first step" in dead.message and "batch" not in dead.message
    assert dead.seconds >= 0


def test_a_duration_is_never_negative(store, monkeypatch):
    """The lease of a dead worker is ended at once, before its first sign of life."""
    run = claimed(store)
    store.end_lease("")
    store.claim("a")
    store.end_lease("a")
    assert store.get(run.id).spent_seconds >= 0
    again = store.claim("b")
    assert again.attempt == 3 and again.seconds >= 0
    monkeypatch.setattr(time, "time", lambda: again.attempt_started_at - 3600)  # clocks differ
    assert store.get(run.id).seconds >= 0
    store.finish(again, JobState.STOPPED)
    assert store.get(run.id).seconds >= 0


def test_deaths_with_an_epoch_between_them_never_end_a_run(store):
    run = claimed(store)
    for epoch in range(1, 3 * MAX_DEATHS):
        store.record(run, metrics(epoch))
        fall_silent(store, run)
        run = store.claim()
        assert run is not None and run.attempt == epoch + 1


def test_leaving_in_good_order_is_no_death(store):
    for _ in range(3 * MAX_DEATHS):
        store.release(claimed(store) if not store.runs() else store.claim())
    [run] = store.runs()
    assert run.state is JobState.QUEUED


@pytest.mark.sqlite
def test_a_pause_is_no_running_time(store, monkeypatch):
    """Ten seconds of work, an hour stopped, five seconds of work: fifteen seconds."""
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    run_id = store.enqueue(SPEC)
    run = store.claim()
    now[0] += 10
    store.finish(run, JobState.STOPPED)
    now[0] += 3600
    store.resume(run_id)
    assert store.get(run_id).seconds == 10
    run = store.claim()
    now[0] += 5
    assert store.get(run_id).seconds == 15
    store.finish(run, JobState.FINISHED)
    now[0] += 100
    assert store.get(run_id).seconds == 15
