"""The store is a queue in which each run is taken once, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.jobs.files import (
    delete_runs,
    save_best,
    save_checkpoint,
)
from core.jobs.store import (
    JobState,
    Run,
    Store,
    StoredFile,
    open_store,
)
from core.language import Message
from core.specs import LabError, RunSpec
from core.training.recipes import recipe
from tests.core.jobs.example_runs import PROJECT, SPEC, claimed, fall_silent, metrics, state
from tests.run_files import folder_of

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
    store.finish(run, end, Message("because"))
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
    deleted = folder_of(runs[0])
    delete_runs(store, [runs[0].id])
    assert not deleted.exists()
    left = {path.name for path in folder_of(runs[1]).iterdir()}
    assert left == {best.name, checkpoint.name}
    assert [run.id for run in store.runs()] == [runs[1].id]


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
