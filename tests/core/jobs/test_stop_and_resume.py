"""A run that stops goes on as if it had not, computed as it began."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from core.jobs import heartbeat as heartbeat_module
from core.jobs import queue as queue_module
from core.jobs import train as train_module
from core.jobs.execution import execute
from core.jobs.files import load_checkpoint
from core.jobs.store import JobState, Run, Store, StoreUnavailable
from core.jobs.worker import work
from core.specs import RunSpec
from core.training import fit as training_loop
from core.training.records import ComputePlan, EpochMetrics, Progress
from tests.core.jobs.tiny_runs import (
    TINY,
    claimed,
    history,
    stopped_in_the_second_epoch,
    uninterrupted,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "few_test_images")]


# Stop


def test_a_stop_ends_a_run_in_the_middle_of_an_epoch_and_it_can_go_on(store, impatient):
    spec = replace(TINY, recipe=replace(TINY.recipe, batch_size=16, epochs=3))
    run = claimed(store, spec)

    def press_stop(event: Progress | EpochMetrics) -> None:
        if isinstance(event, Progress) and (event.epoch, event.step) >= (2, 2):
            store.request_stop([run.id])
            time.sleep(0.1)  # a few heartbeats

    assert execute(store, run, press_stop) is JobState.STOPPED
    stopped = store.get(run.id)
    assert stopped.state is JobState.STOPPED and stopped.finished_at is not None
    assert len(history(store, run.id)) == 1
    state = load_checkpoint(stopped)  # the steps of the second epoch are not lost
    assert state["epoch"] == 1 and state["step"] >= 2

    store.resume(run.id)
    assert work(store, drain=True) == 1
    assert store.get(run.id).state is JobState.FINISHED
    assert history(store, run.id) == uninterrupted(store, spec)


def test_a_deleted_run_ends_quietly(store, impatient):
    run = claimed(store)

    def press_delete(event: Progress | EpochMetrics) -> None:
        store.delete([run.id])
        time.sleep(0.05)

    assert execute(store, run, press_delete) is JobState.STOPPED
    assert store.runs() == []


def test_a_run_that_another_worker_took_over_is_left_to_it(store, impatient, monkeypatch):
    run = claimed(store)
    taken: list[Run] = []

    def take_over(event: Progress | EpochMetrics) -> None:
        if not taken:
            monkeypatch.setattr(queue_module, "LEASE_SECONDS", -1.0)
            wait_until(lambda: store.waiting())  # from now on no heartbeat renews the lease
            taken.append(store.claim())
            time.sleep(0.05)

    assert execute(store, run, take_over) is JobState.STOPPED
    assert store.get(run.id).state is JobState.RUNNING  # the other one goes on
    assert store.get(run.id).attempt == taken[0].attempt == run.attempt + 1


# How it is computed


def test_the_way_to_compute_is_kept_with_the_run_and_used_again(store, monkeypatch):
    run_id = stopped_in_the_second_epoch(store)
    compute_plan = store.get(run_id).compute_plan
    assert compute_plan == ComputePlan(threads=1, channels_last=True)
    used = []
    start = training_loop.start
    monkeypatch.setattr(
        training_loop, "start", lambda spec, plan=None: used.append(plan) or start(spec, plan)
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # another worker, which would choose two
    store.resume(run_id)
    work(store, drain=True)
    assert used == [compute_plan] and store.get(run_id).compute_plan == compute_plan
    assert store.get(run_id).note == ""


def test_a_run_that_goes_on_elsewhere_says_so(store, monkeypatch):
    run_id = stopped_in_the_second_epoch(store)
    monkeypatch.setattr("core.training.compute_plan.fingerprint", lambda device: "another machine")
    store.resume(run_id)
    work(store, drain=True)
    note = store.get(run_id).note
    assert "From epoch 2 on it was computed elsewhere (another machine; before, " in note
    assert store.get(run_id).state is JobState.FINISHED


def test_equal_runs_share_one_trial(store, monkeypatch):
    tried = []

    def choose(spec: RunSpec, steps: int, bfloat16: bool | None) -> ComputePlan:
        tried.append(steps)
        return ComputePlan(1, False)

    monkeypatch.setattr("core.training.compute_plan.TRIAL_STEPS", 9)
    monkeypatch.setattr("core.training.compute_plan.choose_compute_plan", choose)
    ids = store.enqueue_all([replace(TINY, seed=seed) for seed in range(2)])
    work(store, drain=True)
    assert tried == [9]
    assert {store.get(run_id).compute_plan for run_id in ids} == {ComputePlan(1, False)}


@pytest.mark.parametrize("first_is_faster_in_it", [True, False])
def test_the_runs_of_a_study_compute_in_the_number_format_of_its_first(
    store, monkeypatch, first_is_faster_in_it
):
    """The second variant alone would be faster in the other one."""
    other = replace(TINY, model=replace(TINY.model, ratio=8))
    tried = []

    def choose(spec: RunSpec, steps: int, bfloat16: bool | None) -> ComputePlan:
        tried.append((spec.model.ratio, bfloat16))
        faster = first_is_faster_in_it == (spec.model == TINY.model)
        return ComputePlan(1, True, bfloat16=faster if bfloat16 is None else bfloat16)

    monkeypatch.setattr("core.training.compute_plan.TRIAL_STEPS", 9)
    monkeypatch.setattr("core.training.compute_plan.choose_compute_plan", choose)
    alone = store.enqueue(other)
    work(store, drain=True)
    specs = [replace(spec, seed=seed) for seed in range(2) for spec in (TINY, other)]
    study = store.create_study("Two", {}, specs).id
    work(store, drain=True)
    formats = {run.compute_plan.bfloat16 for run in store.runs(study=study)}
    assert formats == {first_is_faster_in_it}
    assert store.get(alone).compute_plan.bfloat16 != first_is_faster_in_it
    first, second = TINY.model.ratio, 8
    assert tried == [(second, None), (first, None), (second, first_is_faster_in_it)]


@pytest.mark.parametrize("name", ["result_of", "keep_result", "describe", "forget_epochs", "get"])
def test_a_run_that_begins_waits_for_a_store_that_is_away(store, monkeypatch, impatient, name):
    monkeypatch.setattr("core.training.compute_plan.TRIAL_STEPS", 9)
    run_id, answers = store.enqueue(TINY), getattr(Store, name)
    refusals = [StoreUnavailable("It is away.")]

    def away_at_first(of: Store, *asked, **options):
        begins = of.job(run_id).state is JobState.RUNNING
        if begins and refusals:
            raise refusals.pop()
        return answers(of, *asked, **options)

    monkeypatch.setattr(Store, name, away_at_first)
    work(store, drain=True)
    run = store.get(run_id)
    assert (run.state, run.attempt, refusals) == (JobState.FINISHED, 1, [])


# A stop that cannot wait


def test_a_stop_does_not_wait_for_a_long_step(store, impatient, monkeypatch):
    """The step sleeps; the process is told to end while the checkpoint before it stands."""
    monkeypatch.setattr(heartbeat_module, "STOP_SECONDS", 0.1)
    run = claimed(store)
    abandoned = threading.Event()

    def hang(event: Progress | EpochMetrics) -> None:
        if isinstance(event, Progress) and (event.epoch, event.step) == (2, 1):
            store.request_stop([run.id])
            assert abandoned.wait(20)

    execute(store, run, hang, abandoned.set)
    stopped = store.get(run.id)
    assert stopped.state is JobState.STOPPED
    assert (load_checkpoint(stopped)["epoch"], load_checkpoint(stopped)["step"]) == (1, 0)
    store.resume(run.id)
    work(store, drain=True)
    assert history(store, run.id) == uninterrupted(store, TINY)


def test_a_stop_that_is_obeyed_in_time_ends_no_process(store, impatient, monkeypatch):
    monkeypatch.setattr(heartbeat_module, "STOP_SECONDS", 0.3)
    keep = train_module.Checkpointer.keep_checkpoint

    def keep_slowly(checkpointer: train_module.Checkpointer) -> None:
        time.sleep(0.6)
        keep(checkpointer)

    monkeypatch.setattr(train_module.Checkpointer, "keep_checkpoint", keep_slowly)
    run = claimed(store)
    abandoned = threading.Event()

    def stop(event: Progress | EpochMetrics) -> None:
        store.request_stop([run.id])
        time.sleep(0.05)  # a heartbeat hears it, the next event obeys

    assert execute(store, run, stop, abandoned.set) is JobState.STOPPED
    assert not abandoned.is_set() and load_checkpoint(store.get(run.id)) is not None
