"""The run store: a queue in which each run is taken once, and nothing is lost."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from core.folders import runs_folder
from core.jobs import queue as queue_module
from core.jobs.database import database_url
from core.jobs.engines.local import absolute_folders
from core.jobs.files import (
    CannotWrite,
    delete_runs,
    remove_others,
    run_folder,
    save_best,
    save_checkpoint,
    write_whole,
)
from core.jobs.queue import MAX_DEATHS, MAX_EARLY_DEATHS, QueueFilter
from core.jobs.schema import SCHEMA_VERSION, jobs_table
from core.jobs.store import (
    JobState,
    LostJob,
    Run,
    Store,
    StoredFile,
    StoreUnavailable,
    open_store,
)
from core.measure.requests import (
    REQUESTS,
    ComputePlanRequest,
    DeviceSpeedRequest,
    GradientFlowRequest,
    LayerTimesRequest,
    PredictRequest,
    ThroughputRequest,
    request_from_json,
)
from core.specs import LabError, ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import ComputePlan, EpochMetrics, Progress

PROJECT = Path(__file__).parents[3]
SPEC = RunSpec(
    ModelSpec("course-residual", image_size=28, options={"shortcut": "conv"}),
    "fashion-mini",
    recipe("fast", 400),
    train_images=400,
)


@pytest.fixture
def store() -> Store:
    return open_store()


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
                heartbeat_at=time.time() - seconds,
                lease_until=time.time() - seconds + queue_module.LEASE_SECONDS,
            )
        )


def state(store: Store, run: Run) -> JobState:
    return store.get(run.id).state


# The queue


def test_a_run_keeps_its_spec_its_study_and_its_time(store):
    before = time.time()
    run = store.get(store.enqueue(SPEC, study="shortcuts"))
    assert run.spec == SPEC and run.study == "shortcuts"
    assert run.state is JobState.QUEUED and not run.state.is_over
    assert before <= run.created_at <= time.time()
    assert run.started_at is run.finished_at is run.seconds is None
    assert run.attempt == 0 and run.progress is None and run.best_epoch is None


def test_the_oldest_run_is_claimed_first(store):
    specs = [replace(SPEC, seed=seed) for seed in range(5)]
    ids = store.enqueue_all(specs)
    assert ids == sorted(ids)
    taken = [store.claim() for _ in specs]
    assert [run.id for run in taken] == ids
    assert [run.spec for run in taken] == specs
    assert {run.state for run in taken} == {JobState.RUNNING}
    assert store.claim() is None


def test_an_empty_queue_gives_nothing(store):
    assert store.claim() is None


def test_threads_claim_each_run_once(store):
    ids = store.enqueue_all([SPEC] * 24)

    def drain(_worker: int) -> list[int]:
        return [run.id for run in iter(store.claim, None)]

    with ThreadPoolExecutor(4) as pool:
        taken = [run_id for part in pool.map(drain, range(4)) for run_id in part]
    assert sorted(taken) == ids


@pytest.mark.slow
def test_processes_claim_each_run_once(store):
    ids = store.enqueue_all([SPEC] * 30)
    program = """
from core.jobs.store import open_store
store = open_store()
print("ready", flush=True)
input()
while run := store.claim():
    print(run.id)
"""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:  # all are ready: now together
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert sorted(int(run_id) for part in taken for run_id in part) == ids
    assert {worker.returncode for worker in workers} == {0}


def test_new_stores_can_be_opened_at_the_same_time(tmp_path):
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(open_store, [url] * 6))
    assert stores[0].enqueue(SPEC) == 1
    assert [run.id for run in stores[5].runs()] == [1]


def test_a_run_that_is_executed_here_does_not_pass_through_the_queue(store):
    run = store.start_here(SPEC)
    assert run.state is JobState.RUNNING and run.started_at is not None
    assert store.claim() is None
    store.finish(run, JobState.FINISHED)
    assert state(store, run) is JobState.FINISHED


def test_runs_of_a_study_are_found(store):
    first = store.enqueue_all([SPEC] * 2, study="a")
    store.enqueue(SPEC, study="b")
    assert {run.id for run in store.runs(study="a")} == set(first)
    assert len(store.runs()) == 3


def test_an_unknown_run_is_one_sentence(store):
    with pytest.raises(LabError, match="99"):
        store.get(99)


# Times


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
        lambda: store.finish(run, JobState.FAILED, "elsewhere"),
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


# Stop, continue, delete


def test_a_queued_run_stops_at_once(store):
    first, second = store.enqueue_all([SPEC] * 2)
    store.request_stop([first])
    stopped = store.get(first)
    assert stopped.state is JobState.STOPPED and stopped.finished_at is not None
    assert store.claim().id == second


def test_a_running_run_is_told_to_stop(store):
    run = claimed(store)
    assert store.heartbeat(run, None) is False
    store.request_stop([run.id])
    assert store.get(run.id).stop_requested and state(store, run) is JobState.RUNNING
    assert store.heartbeat(run, None) is True
    store.finish(run, JobState.STOPPED)
    assert not store.get(run.id).stop_requested


def test_a_run_that_should_stop_and_whose_worker_died_is_stopped(store):
    run = claimed(store)
    store.request_stop([run.id])
    fall_silent(store, run)
    assert store.claim() is None
    assert state(store, run) is JobState.STOPPED


def test_a_run_whose_worker_has_died_stops_at_once_and_can_go_on(store):
    stopped, resumed = claimed(store), claimed(store)
    for run in (stopped, resumed):
        fall_silent(store, run)
    store.request_stop([stopped.id])
    assert state(store, stopped) is JobState.STOPPED
    store.resume(resumed.id)
    assert state(store, resumed) is JobState.QUEUED


def test_stop_changes_nothing_that_is_over(store):
    run = claimed(store)
    store.finish(run, JobState.FINISHED)
    before = store.get(run.id)
    store.request_stop([run.id, 99])
    assert store.get(run.id) == before


@pytest.mark.parametrize("end", [JobState.STOPPED, JobState.FAILED])
def test_a_stopped_or_failed_run_goes_on(store, end):
    run = claimed(store)
    store.record(run, metrics(1))
    store.finish(run, end, "because")
    store.resume(run.id)
    queued = store.get(run.id)
    assert queued.state is JobState.QUEUED and queued.message == ""
    assert queued.finished_at is None and queued.best_epoch == 1
    assert store.claim().id == run.id
    assert len(store.epochs([run.id])[run.id]) == 1


@pytest.mark.parametrize("end", [JobState.FINISHED, JobState.RUNNING, JobState.QUEUED])
def test_other_runs_cannot_go_on(store, end):
    run = claimed(store)
    if end is JobState.FINISHED:
        store.finish(run, end)
    elif end is JobState.QUEUED:
        store.release(run)
    with pytest.raises(LabError, match=rf"Run {run.id} is {end}; only a stopped or failed run"):
        store.resume(run.id)
    assert state(store, run) is end


def test_a_deleted_run_leaves_no_epochs_and_its_number_is_not_given_again(store):
    run = claimed(store)
    store.record(run, metrics(1))
    store.delete([run.id])
    assert store.runs() == [] and store.epochs([run.id]) == {run.id: []}
    assert store.enqueue(SPEC) > run.id


def test_deleting_takes_the_files_of_the_run_along_and_no_others(store):
    from torch import nn

    runs = [claimed(store), claimed(store)]
    for run in runs:
        best = save_best(run, nn.Linear(2, 2), epoch=1)
        checkpoint = save_checkpoint(run, {"epoch": 1, "step": 0})
    delete_runs(store, [runs[0].id])
    assert not run_folder(runs[0].id).exists()
    left = {path.name for path in run_folder(runs[1].id).iterdir()}
    assert left == {best.name, checkpoint.name}
    assert [run.id for run in store.runs()] == [runs[1].id]


# Epochs


def test_epochs_come_back_as_they_were_recorded(store):
    run = claimed(store)
    rows = [metrics(1, 1 / 3), metrics(2, 0.1 + 0.2), metrics(3, 0.25)]
    for row in rows:
        store.record(run, row)
    assert store.epochs([run.id, 99]) == {run.id: rows, 99: []}


def test_the_first_of_the_best_epochs_is_kept(store):
    run = claimed(store)
    seen = []
    for epoch, accuracy in enumerate((0.5, 0.7, 0.6, 0.7, 0.8, 0.1), start=1):
        store.record(run, metrics(epoch, accuracy))
        now = store.get(run.id)
        seen.append((now.best_epoch, now.best_accuracy))
    assert seen == [(1, 0.5), (2, 0.7), (2, 0.7), (2, 0.7), (5, 0.8), (5, 0.8)]


def test_an_epoch_recorded_again_takes_the_place_of_the_old_one_and_of_later_ones(store):
    run = claimed(store)
    for epoch in (1, 2, 3):
        store.record(run, metrics(epoch))
    store.record(run, metrics(2, 0.6))
    assert store.epochs([run.id])[run.id] == [metrics(1), metrics(2, 0.6)]


@pytest.mark.parametrize(
    ("after", "left", "best"),
    [(0, [], (None, None)), (1, [1], (1, 0.5)), (2, [1, 2], (2, 0.7)), (9, [1, 2, 3], (3, 0.8))],
)
def test_forgotten_epochs_are_no_longer_the_best(store, after, left, best):
    run = claimed(store)
    for epoch, accuracy in enumerate((0.5, 0.7, 0.8), start=1):
        store.record(run, metrics(epoch, accuracy))
    store.forget_epochs(run, after)
    assert [row.epoch for row in store.epochs([run.id])[run.id]] == left
    now = store.get(run.id)
    assert (now.best_epoch, now.best_accuracy) == best


def test_progress_is_what_the_worker_said_last(store):
    run = claimed(store)
    progress = Progress("training", 2, 5, 3, 9, 512.5)
    store.heartbeat(run, progress)
    store.heartbeat(run, None)
    assert store.get(run.id).progress == progress
    assert progress.fraction == pytest.approx((1 + 3 / 9) / 5)


# Measurements


TIMES_OF_LENET = LayerTimesRequest(ModelSpec("lenet", image_size=28), "cpu", 16)


def test_results_are_kept_by_what_was_asked_for(store):
    request = DeviceSpeedRequest("cpu")
    assert store.result_of(request) is None
    for rate in (1.0, 2.0):
        store.keep_result(request, {"linear": rate}, replace=True)
    assert store.result_of(request) == {"linear": 2.0}
    assert store.result_of(DeviceSpeedRequest("cuda")) is None


def test_of_two_that_measure_the_same_the_first_counts(store):
    request = ComputePlanRequest("here")
    assert store.keep_result(request, {"threads": 2}) == {"threads": 2}
    assert store.keep_result(request, {"threads": 1}) == {"threads": 2}


def test_two_who_ask_for_the_same_share_one_job(store):
    first = store.enqueue_measurement(TIMES_OF_LENET)
    assert store.enqueue_measurement(TIMES_OF_LENET) == first
    assert store.enqueue_measurement(replace(TIMES_OF_LENET, batch_size=8)).id != first.id
    job = store.claim()
    assert (job.id, job.request, job.kind) == (first.id, TIMES_OF_LENET, "layer-times")
    again = store.enqueue_measurement(TIMES_OF_LENET)  # under way: nothing is started twice
    assert (again.id, again.state, again.attempt) == (first.id, JobState.RUNNING, 1)


def test_a_measurement_is_measured_again_from_the_beginning(store):
    store.enqueue_measurement(TIMES_OF_LENET)
    job = store.claim()
    store.keep_partial_result(job, {"passes": 9}, Progress("measuring", 1, 1, 1000, 1000))
    store.finish(job, JobState.FINISHED)
    assert store.measurement(TIMES_OF_LENET).result == {"passes": 9}
    again = store.enqueue_measurement(TIMES_OF_LENET)
    assert (again.id, again.state, again.result) == (job.id, JobState.QUEUED, None)
    with pytest.raises(LostJob):  # the fence rises with the next claim, and the state guards now
        store.finish(job, JobState.FAILED)
    assert store.claim().attempt == 2


def test_a_measurement_whose_process_died_is_failed_with_its_sentence(store):
    store.enqueue_measurement(TIMES_OF_LENET)
    job = store.claim()
    fall_silent(store, job)
    assert store.claim() is None
    dead = store.measurement(TIMES_OF_LENET)
    assert dead.state is JobState.FAILED and "measure again" in dead.message


def test_measurements_are_no_runs_and_can_be_stopped_and_deleted(store):
    job = store.enqueue_measurement(TIMES_OF_LENET)
    run_id = store.enqueue(SPEC)
    assert [run.id for run in store.runs()] == [run_id]
    assert [one.id for one in store.measurements()] == [job.id]
    with pytest.raises(LabError, match="is a measurement"):
        store.get(job.id)
    store.request_stop([job.id])
    assert store.job(job.id).state is JobState.STOPPED
    store.resume(job.id)
    assert store.job(job.id).state is JobState.QUEUED
    store.delete([job.id])
    assert store.measurement(TIMES_OF_LENET) is None and store.measurements() == []


def test_a_worker_takes_what_its_filter_lets_through(store):
    job = store.enqueue_measurement(TIMES_OF_LENET)
    run_id = store.enqueue(SPEC)
    assert store.claim(queue_filter=QueueFilter.STUDIES) is None
    assert store.claim(queue_filter=QueueFilter.SINGLE).id == run_id
    assert store.claim(queue_filter=QueueFilter.SINGLE) is None
    assert store.claim(queue_filter=QueueFilter.MEASUREMENTS).id == job.id


def test_a_measurement_is_taken_on_its_own_machine_only(store, monkeypatch):
    store.enqueue_measurement(TIMES_OF_LENET)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("platform.node", lambda: "another machine")
        assert store.waiting() == [] and store.claim() is None
    assert store.claim() is not None


def test_every_request_comes_back_from_its_json(store):
    model = ModelSpec("course-residual", image_size=28, options={"shortcut": "none"})
    requests = (
        TIMES_OF_LENET,
        ThroughputRequest(SPEC, (32, 64), ("cpu",), rounds=3),
        GradientFlowRequest((model, replace(model, ratio=2)), "fashion-mini", 3, "he", 8, (1, 2)),
        PredictRequest(4, "00ff"),
        DeviceSpeedRequest("cpu"),
        ComputePlanRequest("here"),
    )
    assert {type(request) for request in requests} == set(REQUESTS.values())
    for request in requests:
        assert request_from_json(request.kind, request.to_json()) == request
        assert request_from_json(request.kind, request.to_json()).key == request.key
    assert len({request.key for request in requests}) == len(requests)
    with pytest.raises(LabError, match="no measurement 'colors'"):
        request_from_json("colors", "{}")


# What cannot be read


@pytest.mark.parametrize(
    "change",
    [
        "request = '{\"model\": 3}'",
        "request = 'nonsense'",
        "state = 'dreaming'",
        "compute_plan = '[1, 2]'",
        "checkpoint = '{\"path\": 1}'",
    ],
)
def test_a_row_that_cannot_be_read_hides_no_other(store, change):
    broken, fine = store.enqueue_all([SPEC] * 2)
    with store.writing() as connection:
        connection.execute(text(f"UPDATE jobs SET {change} WHERE id = {broken}"))
    assert [run.id for run in store.runs()] == [fine]
    [row] = store.unreadable()
    assert row.id == broken and "cannot be read" in row.reason
    with pytest.raises(LabError, match="cannot be read"):
        store.get(broken)
    assert store.claim().id == fine  # nobody trains what cannot be read
    store.delete([broken])
    assert store.unreadable() == []


def test_a_queued_row_that_cannot_be_read_is_failed_once(store):
    broken = store.enqueue(SPEC)
    with store.writing() as connection:
        connection.execute(text("UPDATE jobs SET request = 'nonsense'"))
    assert store.claim() is None
    [row] = store.unreadable()
    assert (row.id, row.state) == (broken, "failed")


def test_thousands_of_numbers_can_be_named_at_once(store):
    ids = store.enqueue_all([SPEC] * 3)
    many = [*ids, *range(10_000, 120_000)]
    assert len(store.epochs(many)) == len(many)
    store.request_stop(many)
    assert {run.state for run in store.runs()} == {JobState.STOPPED}
    store.delete(many)
    assert store.runs() == []


# Where the store lies


def test_the_store_lies_in_the_runs_folder_unless_told(isolated_runs, monkeypatch):
    assert runs_folder() == isolated_runs
    assert database_url() == f"sqlite:///{isolated_runs / 'lab.sqlite'}"
    monkeypatch.setenv("LAB_DATABASE_URL", "postgresql://db/lab")
    assert database_url() == "postgresql://db/lab"


def test_a_workers_store_is_the_one_of_the_process_that_starts_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_DATABASE_URL", "sqlite:///my%20runs.sqlite?timeout=9")
    assert database_url() == f"sqlite:///{tmp_path}/my%20runs.sqlite?timeout=9"
    assert absolute_folders()["LAB_DATABASE_URL"] == database_url()
    monkeypatch.delenv("LAB_DATABASE_URL")
    assert absolute_folders()["LAB_DATABASE_URL"] == database_url()


def test_a_relative_store_lies_in_a_folder_of_any_name(monkeypatch, tmp_path):
    folder = tmp_path / "which? 100 %"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LAB_DATABASE_URL", "sqlite:///here.sqlite")
    open_store().enqueue(SPEC)
    assert [path.name for path in folder.glob("*.sqlite")] == ["here.sqlite"]


def test_without_variables_runs_lie_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("LAB_RUNS_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert runs_folder() == tmp_path / "cnn-architecture-lab" / "runs"


def test_a_store_is_found_again(store):
    run_id = store.enqueue(SPEC)
    assert open_store().get(run_id) == store.get(run_id)


@pytest.mark.parametrize(("version", "word"), [(SCHEMA_VERSION + 1, "newer"), (0, "older")])
def test_a_store_of_another_version_is_left_alone(store, version, word):
    store.enqueue(SPEC)
    with store.writing() as connection:
        connection.execute(text(f"UPDATE lab SET value = '{version}'"))
    with pytest.raises(LabError, match=rf"made by a {word} version .*\(schema {version}"):
        open_store()
    assert len(store.runs()) == 1


# Longer runs


def ended(store: Store, spec: RunSpec) -> Run:
    """A finished run of `spec` with the checkpoint of its last epoch."""
    run_id = store.enqueue(spec)
    run = store.claim()
    store.record(run, metrics(spec.recipe.epochs), StoredFile("checkpoint-1-10-0.pt", "00"))
    store.finish(run, JobState.FINISHED)
    return store.get(run_id)


CONSTANT = replace(SPEC, recipe=recipe("published-course", 400))


def test_a_finished_run_with_a_constant_rate_can_be_extended(store):
    run = ended(store, CONSTANT)
    store.extend(run.id, 12)
    again = store.claim()
    assert again.id == run.id and again.checkpoint == run.checkpoint
    assert again.spec == replace(CONSTANT, recipe=replace(CONSTANT.recipe, epochs=12))


def test_other_runs_cannot_be_extended(store):
    with pytest.raises(LabError, match=r"one-cycle schedule that has ended; start a new run of 9"):
        store.extend(ended(store, SPEC).id, 9)
    with pytest.raises(LabError, match=r"to more than its 10 epochs"):
        store.extend(ended(store, CONSTANT).id, 10)
    with pytest.raises(LabError, match=r"is not finished, so it cannot be extended"):
        store.extend(store.enqueue(CONSTANT), 12)


def test_notes_are_added_one_behind_the_other(store):
    run = claimed(store)
    assert store.get(run.id).note == ""
    store.add_note(run, "One.")
    store.add_note(run, "Two.")
    assert store.get(run.id).note == "One. Two."


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_RUNS_DIR", str(tmp_path / "file" / "runs"))
    with pytest.raises(LabError, match=r"cannot be written .*set LAB_RUNS_DIR"):
        open_store()


def test_a_file_that_cannot_be_opened_is_one_sentence(isolated_runs):
    (isolated_runs / "lab.sqlite").mkdir(parents=True)
    with pytest.raises(LabError, match=r"cannot be opened \(unable to open database file\)"):
        open_store()


def test_a_file_that_is_no_store_is_one_sentence(isolated_runs):
    isolated_runs.mkdir()
    (isolated_runs / "lab.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(LabError, match=r"\(file is not a database\); move that file away"):
        open_store()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql+nothing://host/lab", "sqlite+nothing:///x", "postgresql://host:port/lab"],
)
def test_a_broken_database_address_is_one_sentence(monkeypatch, url):
    monkeypatch.setenv("LAB_DATABASE_URL", url)
    with pytest.raises(LabError, match=r"LAB_DATABASE_URL is not a database address .*an example"):
        open_store()


def test_a_database_whose_driver_is_missing_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv("LAB_DATABASE_URL", "postgresql+psycopg2://host/lab")
    with pytest.raises(LabError, match="psycopg2") as caught:
        open_store()
    assert re.fullmatch(r"[^\n]+\.", str(caught.value))


def pragma(store: Store, words: str) -> None:
    """Have every connection of the store obey `PRAGMA words` from now on."""
    store.engine.dispose()

    @event.listens_for(store.engine, "connect")
    def obey(connection, _record):
        connection.execute(f"PRAGMA {words}")


def test_a_read_only_store_is_one_sentence_and_can_still_be_read(store):
    run_id = store.enqueue(SPEC)
    pragma(store, "query_only = ON")
    for write in (lambda: store.enqueue(SPEC), store.claim, lambda: store.delete([run_id])):
        with pytest.raises(LabError, match=r"could not be written .*not read-only"):
            write()
    assert [run.id for run in store.runs()] == [run_id]


def test_a_store_that_another_program_holds_is_told_as_that(store, isolated_runs, monkeypatch):
    monkeypatch.setattr("core.jobs.database.LOCKED_SECONDS", 0.1)
    store.engine.dispose()
    held = sqlite3.connect(isolated_runs / "lab.sqlite", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="another program holds its file") as caught:
        open_store()
    assert "disk" not in str(caught.value) and "full" not in str(caught.value)
    held.close()
    open_store()


def test_a_full_disk_is_one_sentence_and_loses_nothing(store):
    run_id = store.enqueue(SPEC)
    pragma(store, "max_page_count = 1")
    with pytest.raises(LabError, match=r"could not be written \(database or disk is full\)"):
        store.enqueue_all([SPEC] * 2_000)
    assert [run.id for run in store.runs()] == [run_id]


def test_files_that_cannot_be_written_are_one_sentence(store, isolated_runs):
    run = claimed(store)
    run_folder(run.id).write_text("a file stands where the folder should be")
    with pytest.raises(CannotWrite, match=r"could not be written .*LAB_RUNS_DIR"):
        save_checkpoint(run, {"epoch": 1, "step": 0})


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "the disk is full; free some space"),
        (errno.EACCES, "the folder is read-only"),
        (errno.EROFS, "the folder is read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_refusal_of_the_system_is_told_as_what_it_is(tmp_path, number, words):
    def refuse(path: Path) -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:  # as torch and safetensors wrap it
            raise RuntimeError("unexpected pos 64 vs 0") from error

    with pytest.raises(CannotWrite, match=words) as caught:
        write_whole(tmp_path / "best.safetensors", refuse)
    assert ("disk is full" in str(caught.value)) == (number in (errno.ENOSPC, errno.EDQUOT))
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_not_the_disks_is_not_told_as_one(tmp_path):
    def fail(path: Path) -> None:
        raise KeyError("weight")

    with pytest.raises(KeyError, match="weight"):
        write_whole(tmp_path / "best.safetensors", fail)


def test_a_worker_that_wakes_removes_nothing_of_its_successor(store):
    """It slept while it cleaned up; meanwhile another has taken the run over and written."""
    asleep = claimed(store)
    for name in ("checkpoint-1-0-3.pt", "best-1-1.safetensors", ".checkpoint-1-0-9.pt.77"):
        (run_folder(asleep.id) / name).parent.mkdir(parents=True, exist_ok=True)
        (run_folder(asleep.id) / name).touch()
    for name in ("checkpoint-2-1-0.pt", "best-2-1.safetensors", ".checkpoint-2-1-5.pt.78"):
        (run_folder(asleep.id) / name).touch()
    remove_others(asleep)
    left = {path.name for path in run_folder(asleep.id).iterdir()}
    assert left == {"checkpoint-2-1-0.pt", "best-2-1.safetensors", ".checkpoint-2-1-5.pt.78"}


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
