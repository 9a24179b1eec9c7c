"""The run store: a queue in which each run is taken once, and nothing is lost."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from core.jobs import store as store_module
from core.jobs.engines.local import absolute_folders
from core.jobs.files import delete_runs, run_folder, save_best, save_checkpoint
from core.jobs.schema import (
    OLDEST_VERSION,
    SCHEMA_VERSION,
    database_url,
    epochs_table,
    runs_dir,
    runs_table,
)
from core.jobs.store import (
    MAX_ATTEMPTS,
    LostRun,
    Run,
    RunState,
    Store,
    StoredFile,
    open_store,
)
from core.specs import LabError, ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import PHASES, ComputePlan, EpochMetrics, Progress

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
            update(runs_table)
            .where(runs_table.c.id == run.id)
            .values(heartbeat_at=time.time() - seconds)
        )


def state(store: Store, run: Run) -> RunState:
    return store.get(run.id).state


# The queue


def test_a_run_keeps_its_spec_its_study_and_its_time(store):
    before = time.time()
    run = store.get(store.enqueue(SPEC, study="shortcuts"))
    assert run.spec == SPEC and run.study == "shortcuts"
    assert run.state is RunState.QUEUED and not run.state.is_over
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
    assert {run.state for run in taken} == {RunState.RUNNING}
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
    assert run.state is RunState.RUNNING and run.started_at is not None
    assert store.claim() is None
    store.finish(run, RunState.FINISHED)
    assert state(store, run) is RunState.FINISHED


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
    monkeypatch.setattr(store_module.time, "time", lambda: now)
    run_id = store.enqueue(SPEC)
    now = 1_010.0
    run = store.claim()
    assert (run.created_at, run.started_at) == (1_000.0, 1_010.0)
    now = 1_013.0
    assert store.get(run_id).seconds == 3.0
    store.finish(run, RunState.FINISHED)
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
        lambda: store.finish(run, RunState.FAILED, "elsewhere"),
    ]


def assert_locked_out(store: Store, run: Run) -> None:
    before = store.runs(), store.epochs([run.id])
    for write in ways_to_write(store, run):
        with pytest.raises(LostRun):
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


@pytest.mark.parametrize("end", [RunState.FINISHED, RunState.STOPPED, RunState.FAILED])
def test_a_run_that_is_over_is_locked(store, end):
    run = claimed(store)
    store.finish(run, end)
    assert_locked_out(store, run)


def test_a_run_given_back_is_locked(store):
    run = claimed(store)
    store.release(run)
    assert state(store, run) is RunState.QUEUED
    assert_locked_out(store, run)
    assert store.claim().id == run.id


def test_a_deleted_run_is_locked(store):
    run = claimed(store)
    store.delete([run.id])
    assert_locked_out(store, run)


# Leases


def test_a_living_run_is_not_taken_away(store):
    run = claimed(store)
    fall_silent(store, run, seconds=store_module.LEASE_SECONDS - 5)
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
    assert taken.id == run.id and taken.state is RunState.RUNNING and taken.progress is None


def test_three_deaths_without_an_epoch_end_the_run_with_the_reason(store):
    run = claimed(store)
    for _ in range(MAX_ATTEMPTS - 1):
        fall_silent(store, run)
        run = store.claim()
    fall_silent(store, run)
    assert store.claim() is None
    dead = store.get(run.id)
    assert dead.state is RunState.FAILED and dead.finished_at is not None
    assert dead.message.startswith("Its worker died 3 times") and "smaller batch" in dead.message


def test_deaths_with_an_epoch_between_them_never_end_a_run(store):
    run = claimed(store)
    for epoch in range(1, 3 * MAX_ATTEMPTS):
        store.record(run, metrics(epoch))
        fall_silent(store, run)
        run = store.claim()
        assert run is not None and run.attempt == epoch + 1


def test_leaving_in_good_order_is_no_death(store):
    for _ in range(3 * MAX_ATTEMPTS):
        store.release(claimed(store) if not store.runs() else store.claim())
    [run] = store.runs()
    assert run.state is RunState.QUEUED


# Stop, continue, delete


def test_a_queued_run_stops_at_once(store):
    first, second = store.enqueue_all([SPEC] * 2)
    store.request_stop([first])
    stopped = store.get(first)
    assert stopped.state is RunState.STOPPED and stopped.finished_at is not None
    assert store.claim().id == second


def test_a_running_run_is_told_to_stop(store):
    run = claimed(store)
    assert store.heartbeat(run, None) is False
    store.request_stop([run.id])
    assert store.get(run.id).stop_requested and state(store, run) is RunState.RUNNING
    assert store.heartbeat(run, None) is True
    store.finish(run, RunState.STOPPED)
    assert not store.get(run.id).stop_requested


def test_a_run_that_should_stop_and_whose_worker_died_is_stopped(store):
    run = claimed(store)
    store.request_stop([run.id])
    fall_silent(store, run)
    assert store.claim() is None
    assert state(store, run) is RunState.STOPPED


def test_a_run_whose_worker_has_died_stops_at_once_and_can_go_on(store):
    stopped, resumed = claimed(store), claimed(store)
    for run in (stopped, resumed):
        fall_silent(store, run)
    store.request_stop([stopped.id])
    assert state(store, stopped) is RunState.STOPPED
    store.resume(resumed.id)
    assert state(store, resumed) is RunState.QUEUED


def test_stop_changes_nothing_that_is_over(store):
    run = claimed(store)
    store.finish(run, RunState.FINISHED)
    before = store.get(run.id)
    store.request_stop([run.id, 99])
    assert store.get(run.id) == before


@pytest.mark.parametrize("end", [RunState.STOPPED, RunState.FAILED])
def test_a_stopped_or_failed_run_goes_on(store, end):
    run = claimed(store)
    store.record(run, metrics(1))
    store.finish(run, end, "because")
    store.resume(run.id)
    queued = store.get(run.id)
    assert queued.state is RunState.QUEUED and queued.message == ""
    assert queued.finished_at is None and queued.best_epoch == 1
    assert store.claim().id == run.id
    assert len(store.epochs([run.id])[run.id]) == 1


@pytest.mark.parametrize("end", [RunState.FINISHED, RunState.RUNNING, RunState.QUEUED])
def test_other_runs_cannot_go_on(store, end):
    run = claimed(store)
    if end is RunState.FINISHED:
        store.finish(run, end)
    elif end is RunState.QUEUED:
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


def test_speeds_are_kept_by_device(store):
    assert store.measured("here cpu") is None
    for rate in (1.0, 2.0):
        store.keep_measured("here cpu", {"linear": rate})
    assert store.measured("here cpu") == {"linear": 2.0}


def test_of_two_that_measure_the_same_the_first_counts(store):
    assert store.keep_first_measured("way", {"threads": 2}) == {"threads": 2}
    assert store.keep_first_measured("way", {"threads": 1}) == {"threads": 2}


# Where the store lies


def test_the_store_lies_in_the_runs_folder_unless_told(isolated_runs, monkeypatch):
    assert runs_dir() == isolated_runs
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
    assert runs_dir() == tmp_path / "cnn-architecture-lab" / "runs"


def test_a_store_is_found_again(store):
    run_id = store.enqueue(SPEC)
    assert open_store().get(run_id) == store.get(run_id)


@pytest.mark.parametrize(
    ("version", "word"), [(SCHEMA_VERSION + 1, "newer"), (OLDEST_VERSION - 1, "older")]
)
def test_a_store_of_another_version_is_left_alone(store, version, word):
    store.enqueue(SPEC)
    with store.writing() as connection:
        connection.execute(text(f"UPDATE lab SET value = '{version}'"))
    with pytest.raises(LabError, match=rf"made by a {word} version .*\(schema {version}"):
        open_store()
    assert len(store.runs()) == 1


ADDED_IN_VERSION_2 = {
    runs_table: (
        *("worker", "fingerprint", "compute_plan", "checkpoint", "best_file", "dead_parameters"),
        "note",
    ),
    epochs_table: tuple(f"{phase}_seconds" for phase in PHASES),
}


def test_a_store_of_version_1_is_brought_up_to_date_and_keeps_its_runs(store):
    run = claimed(store)
    store.record(run, metrics(1, 0.7))
    with store.writing() as connection:
        connection.execute(text("UPDATE lab SET value = '1'"))
        for table, columns in ADDED_IN_VERSION_2.items():
            for column in columns:
                connection.execute(text(f"ALTER TABLE {table.name} DROP COLUMN {column}"))
    store.engine.dispose()
    again = open_store()
    kept = again.get(run.id)
    assert (kept.spec, kept.best_accuracy, kept.note, kept.compute_plan) == (SPEC, 0.7, "", None)
    assert kept.best_file == StoredFile("best.safetensors", "") and kept.checkpoint is None
    assert again.epochs([run.id])[run.id] == [metrics(1, 0.7)]
    again.record(run, metrics(2))
    open_store()  # and stays so


# Longer runs


def ended(store: Store, spec: RunSpec) -> Run:
    """A finished run of `spec` with the checkpoint of its last epoch."""
    run_id = store.enqueue(spec)
    run = store.claim()
    store.record(run, metrics(spec.recipe.epochs), StoredFile("checkpoint-1-10-0.pt", "00"))
    store.finish(run, RunState.FINISHED)
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


def test_a_full_disk_is_one_sentence_and_loses_nothing(store):
    run_id = store.enqueue(SPEC)
    pragma(store, "max_page_count = 1")
    with pytest.raises(LabError, match=r"could not be written \(database or disk is full\)"):
        store.enqueue_all([SPEC] * 2_000)
    assert [run.id for run in store.runs()] == [run_id]


def test_files_that_cannot_be_written_are_one_sentence(store, isolated_runs):
    run = claimed(store)
    run_folder(run.id).write_text("a file stands where the folder should be")
    with pytest.raises(LabError, match=r"could not be written .*LAB_RUNS_DIR"):
        save_checkpoint(run, {"epoch": 1, "step": 0})


def test_a_pause_is_no_running_time(store, monkeypatch):
    """Ten seconds of work, an hour stopped, five seconds of work: fifteen seconds."""
    now = [1_000_000.0]
    monkeypatch.setattr("core.jobs.store.time.time", lambda: now[0])
    run_id = store.enqueue(SPEC)
    run = store.claim()
    now[0] += 10
    store.finish(run, RunState.STOPPED)
    now[0] += 3600
    store.resume(run_id)
    assert store.get(run_id).seconds == 10
    run = store.claim()
    now[0] += 5
    assert store.get(run_id).seconds == 15
    store.finish(run, RunState.FINISHED)
    now[0] += 100
    assert store.get(run_id).seconds == 15
