"""The worker: runs from the queue, one after the other, whatever happens to them or to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from core.data.batches import prepare
from core.data.load import load
from core.jobs import heartbeat as heartbeat_module
from core.jobs import processes
from core.jobs import queue as queue_module
from core.jobs import train as train_module
from core.jobs.engines import local
from core.jobs.engines.local import WorkerProcess
from core.jobs.files import best_path, load_checkpoint, path_of, run_folder, verified_best
from core.jobs.predictions import read_predictions
from core.jobs.store import JobState, Run, Store, StoreUnavailable, open_store
from core.jobs.worker import execute, work
from core.measure.requests import GradientFlowRequest, LayerTimesRequest, PredictRequest
from core.specs import LabError, ModelSpec, RunSpec
from core.training import fit as training_loop
from core.training.fit import fit
from core.training.recipes import recipe
from core.training.records import TIMES, ComputePlan, EpochMetrics, LayerTimes, Progress
from core.zoo.building import build
from core.zoo.catalogue import complete

pytestmark = pytest.mark.usefixtures("one_thread")

PROJECT = Path(__file__).parents[3]
TINY = RunSpec(
    ModelSpec("lenet", image_size=28),
    "fashion-mini",
    recipe("fast", 96, epochs=3, batch_size=32),
    train_images=96,
)


@pytest.fixture
def store() -> Store:
    return open_store()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Hearts beat fast, so that a stop is heard within a few steps; nobody waits long."""
    monkeypatch.setattr(heartbeat_module, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(heartbeat_module, "HEARTBEAT_SECONDS", 0.01)


@pytest.fixture
def no_lease(monkeypatch) -> None:
    """A worker that died is missed at once."""
    monkeypatch.setattr(queue_module, "LEASE_SECONDS", 0.0)


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


# A run


def test_a_run_ends_with_its_epochs_and_its_files(store):
    events = []
    run = claimed(store)
    assert execute(store, run, events.append) is JobState.FINISHED
    done = store.get(run.id)
    assert done.state is JobState.FINISHED and done.message == "" and done.seconds > 0
    assert "CPU" in done.machine

    rows = store.epochs([run.id])[run.id]
    assert rows == [event for event in events if isinstance(event, EpochMetrics)]
    assert [row.epoch for row in rows] == [1, 2, 3]
    best = max(rows, key=lambda row: (row.test_accuracy, -row.epoch))
    assert (done.best_epoch, done.best_accuracy) == (best.epoch, best.test_accuracy)
    assert sorted(path.name for path in run_folder(run.id).iterdir()) == [
        f"best-1-{best.epoch}.safetensors",
        "checkpoint-1-3-0.pt",
    ]


@pytest.mark.slow
def test_the_same_run_gives_the_figures_of_fit(store):
    rows = [asdict(e) for e in fit(TINY, load("fashion-mini")) if isinstance(e, EpochMetrics)]
    for row in rows:
        for name in TIMES:
            del row[name]
    assert uninterrupted(store, TINY) == rows


@pytest.mark.slow
def test_the_best_parameters_load_into_the_network_of_their_own_spec(store):
    run = claimed(store)
    execute(store, run)
    best = best_path(store.get(run.id))
    with safe_open(best, "pt") as file:
        about = file.metadata()
    assert RunSpec.from_json(about["spec"]) == TINY
    assert about["run"] == str(run.id)
    assert about["epoch"] == str(store.get(run.id).best_epoch)

    network = build(RunSpec.from_json(about["spec"]).model)
    network.load_state_dict(load_file(best))
    data = load("fashion-mini")
    with torch.no_grad():
        images = prepare(data.test_images, 28, 1, data.info.mean, data.info.std)
        hits = (network.eval()(images).argmax(1) == data.test_labels).sum()
    assert hits / 2_000 == pytest.approx(store.get(run.id).best_accuracy)


def test_the_state_for_a_resume_is_that_of_the_last_epoch(store):
    run = claimed(store)
    execute(store, run)
    state = load_checkpoint(store.get(run.id))
    assert (state["epoch"], state["step"]) == (3, 0)


@pytest.mark.slow
def test_all_queued_runs_are_executed_in_order(store):
    ids = store.enqueue_all([replace(TINY, seed=seed) for seed in range(2)])
    assert work(store, drain=True) == 2
    runs = sorted(store.runs(), key=lambda run: run.id)
    assert [run.id for run in runs] == ids
    assert {run.state for run in runs} == {JobState.FINISHED}
    assert runs[0].finished_at <= runs[1].started_at


# Stop


@pytest.mark.slow
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


# Failures

IMPOSSIBLE = {
    "too small": (replace(TINY, model=ModelSpec("vgg11", image_size=28)), "smallest that works is"),
    "too few classes": (
        replace(TINY, model=replace(TINY.model, num_classes=2)),
        "needs at least 10 outputs",
    ),
    "batch too large": (
        replace(TINY, recipe=replace(TINY.recipe, batch_size=97)),
        "A batch of 97 is larger",
    ),
    "no such device": (replace(TINY, device="npu"), "no device 'npu'"),
    "no such data": (replace(TINY, dataset="imagenet"), "fashion-mini"),
    "diverged": (
        replace(
            TINY,
            model=ModelSpec("course-residual", image_size=28),
            recipe=replace(TINY.recipe, learning_rate=100.0, max_gradient_norm=0.0),
        ),
        "diverged",
    ),
    "too much memory": (
        replace(
            TINY,
            model=ModelSpec("vgg19", image_size=1024),
            recipe=replace(TINY.recipe, batch_size=96),
        ),
        "This run needs about",
    ),
    "one image in the last batch": (
        replace(
            TINY,
            model=ModelSpec("resnet18", 16, 16),
            train_images=33,
        ),
        "BatchNorm cannot work on a single value",
    ),
}


@pytest.mark.parametrize(("spec", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_a_run_that_fails_gets_its_sentence(store, spec, words, capfd):
    run = claimed(store, spec)
    state = JobState.DIVERGED if words == "diverged" else JobState.FAILED
    assert execute(store, run) is state
    failed = store.get(run.id)
    assert failed.state is state and failed.finished_at is not None
    assert words in failed.message
    assert failed.message.endswith(".") and "\n" not in failed.message


def test_after_a_failure_the_next_run_works(store):
    bad, good = store.enqueue_all([IMPOSSIBLE["too small"][0], TINY])
    assert work(store, drain=True) == 2
    assert store.get(bad).state is JobState.FAILED
    assert store.get(good).state is JobState.FINISHED


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate"), "The device ran out of memory; "),
        (MemoryError(), "The device ran out of memory; "),
        (KeyError("conv1\nand more"), "The run ended with KeyError: "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_that_nobody_foresaw_is_one_line(store, error, message, capfd):
    run = claimed(store)

    def break_down(event: Progress | EpochMetrics) -> None:
        raise error

    assert execute(store, run, break_down) is JobState.FAILED
    assert store.get(run.id).message.startswith(message)
    assert "\n" not in store.get(run.id).message
    assert "Traceback" in capfd.readouterr().err  # for whoever runs the worker


def test_a_run_whose_files_cannot_be_written_waits_and_goes_on(store, impatient, capfd):
    """A full disk would fail every run of the queue, one after the other."""
    first, _ = store.enqueue_all([replace(TINY, seed=seed) for seed in range(2)])
    in_the_way = run_folder(first)
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("a file stands where the folder should be")
    phases = []

    def free_the_disk() -> None:
        wait_until(lambda: (now := store.get(first).progress) and now.phase == "waiting")
        phases.append(store.get(first).state)
        in_the_way.unlink()

    helper = threading.Thread(target=free_the_disk)
    helper.start()
    assert work(store, drain=True) == 2
    helper.join()
    assert phases == [JobState.RUNNING]
    assert {run.state for run in store.runs()} == {JobState.FINISHED}
    assert history(store, first) == uninterrupted(store, TINY)
    assert "LAB_RUNS_DIR" in capfd.readouterr().err


def test_a_run_that_waits_for_its_disk_can_be_stopped(store, impatient):
    run = claimed(store)
    run_folder(run.id).parent.mkdir(parents=True, exist_ok=True)
    run_folder(run.id).write_text("a file stands where the folder should be")

    def stop() -> None:
        wait_until(lambda: (now := store.get(run.id).progress) and now.phase == "waiting")
        store.request_stop([run.id])

    helper = threading.Thread(target=stop)
    helper.start()
    assert execute(store, run) is JobState.STOPPED
    helper.join()
    assert store.get(run.id).state is JobState.STOPPED


def test_a_store_that_is_locked_while_a_run_records_is_waited_for(store, impatient, monkeypatch):
    run, record, refusals = claimed(store), Store.record, []

    def refuse_twice(self, *what) -> None:
        if len(refusals) < 2:
            refusals.append(what)
            raise StoreUnavailable("The run store could not be written: another program holds it.")
        record(self, *what)

    monkeypatch.setattr(Store, "record", refuse_twice)
    assert execute(store, run) is JobState.FINISHED
    assert len(refusals) == 2 and store.get(run.id).message == ""
    assert history(store, run.id) == uninterrupted(store, TINY)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "words"), [(damage, "is damaged"), (Path.unlink, "is gone")], ids=["bit", "gone"]
)
def test_a_checkpoint_that_is_not_what_was_written_starts_the_run_over(store, harm, words):
    run_id = stopped_in_the_second_epoch(store)
    harm(path_of(store.get(run_id), store.get(run_id).checkpoint))
    store.resume(run_id)
    assert work(store, drain=True) == 1
    ended = store.get(run_id)
    assert ended.state is JobState.FINISHED
    assert words in ended.note and "started over" in ended.note
    assert history(store, run_id) == uninterrupted(store, TINY)


def stopped_in_the_second_epoch(store: Store) -> int:
    run = claimed(store)

    def stop(event: Progress | EpochMetrics) -> None:
        if isinstance(event, Progress) and (event.epoch, event.step) == (2, 1):
            raise heartbeat_module.StopRequested

    assert execute(store, run, stop) is JobState.STOPPED
    return run.id


@pytest.mark.slow
def test_files_of_another_store_are_not_taken_for_the_runs_own(store, isolated_runs):
    """The store was deleted or moved, its run folders stayed: numbers begin at 1 again."""
    execute(store, claimed(store, replace(TINY, seed=5)))
    store.engine.dispose()
    (isolated_runs / "lab.sqlite").unlink()
    fresh = open_store()
    run = claimed(fresh)
    assert run.id == 1 and execute(fresh, run) is JobState.FINISHED
    assert history(fresh, run.id) == uninterrupted(fresh, TINY)


def test_parameters_that_the_run_has_not_written_are_not_used(store):
    run = claimed(store)
    execute(store, run)
    run = store.get(run.id)
    path = verified_best(run)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(LabError, match="is not what the run has written"):
        verified_best(run)
    path.unlink()
    with pytest.raises(LabError, match="are not here"):
        verified_best(run)


class Killed(BaseException):
    """As kill -9: nothing is cleaned up."""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["record", "keep_checkpoint"])
def test_a_death_between_files_and_store_loses_nothing_that_counted(
    store, no_lease, monkeypatch, where
):
    every_step = train_module.Checkpointer.keep_checkpoint
    monkeypatch.setattr(train_module.Checkpointer, "keep_when_due", every_step)
    run = claimed(store)
    original = getattr(Store, where)

    def die(self: Store, run: Run, *what) -> None:
        if store.epochs([run.id])[run.id]:
            raise Killed
        original(self, run, *what)

    monkeypatch.setattr(Store, where, die)
    with pytest.raises(Killed):
        execute(store, run)
    monkeypatch.setattr(Store, where, original)
    assert [row["epoch"] for row in history(store, run.id)] == [1]
    again = store.claim()
    assert execute(store, again) is JobState.FINISHED
    assert history(store, run.id) == uninterrupted(store, TINY)
    kept = store.get(run.id)
    left = {path.name for path in run_folder(run.id).iterdir()}
    assert left == {kept.checkpoint.name, kept.best_file.name}  # what the dead one wrote is gone


@pytest.mark.slow
def test_a_death_while_a_file_is_written_leaves_the_one_before_it(store, no_lease, monkeypatch):
    run_id = stopped_in_the_second_epoch(store)
    before = store.get(run_id).checkpoint
    store.resume(run_id)
    save = torch.save

    def die(state, target) -> None:
        target.write_bytes(b"half a file")
        raise Killed

    monkeypatch.setattr(torch, "save", die)
    with pytest.raises(Killed):
        execute(store, store.claim())
    monkeypatch.setattr(torch, "save", save)
    assert store.get(run_id).checkpoint == before
    assert execute(store, store.claim()) is JobState.FINISHED
    assert history(store, run_id) == uninterrupted(store, TINY)


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


@pytest.mark.slow
def test_equal_runs_share_one_trial(store, monkeypatch):
    tried = []

    def choose(spec: RunSpec, steps: int) -> ComputePlan:
        tried.append(steps)
        return ComputePlan(1, False)

    monkeypatch.setattr("core.training.compute_plan.TRIAL_STEPS", 9)
    monkeypatch.setattr("core.training.compute_plan.choose_compute_plan", choose)
    ids = store.enqueue_all([replace(TINY, seed=seed) for seed in range(2)])
    work(store, drain=True)
    assert tried == [9]
    assert {store.get(run_id).compute_plan for run_id in ids} == {ComputePlan(1, False)}


# A stop that cannot wait


@pytest.mark.slow
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


# Longer


@pytest.mark.slow
def test_an_extended_run_is_the_longer_run(store):
    longer = replace(TINY, recipe=recipe("published-course", 96, epochs=4, batch_size=32))
    shorter = replace(longer, recipe=replace(longer.recipe, epochs=2))
    run = claimed(store, shorter)
    execute(store, run)
    store.extend(run.id, 4)
    work(store, drain=True)
    assert store.get(run.id).spec == longer
    assert history(store, run.id) == uninterrupted(store, longer)


# Processes

LONG = RunSpec(
    ModelSpec("course-residual", image_size=28),
    "fashion-mini",
    recipe("fast", 400, epochs=4, batch_size=50),
    train_images=400,
)


@pytest.mark.slow
def test_a_worker_whose_input_closes_gives_its_run_back_and_leaves(store):
    program = """
import time
from core.jobs import worker
from core.jobs.store import open_store

store = open_store()
with worker.current_job(store.claim()):
    worker.leave_with_parent(store)
    print("at work", flush=True)
    time.sleep(60)
"""
    run_id = store.enqueue(TINY)
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:  # leaving the block closes its input and waits
        assert process.stdout.readline() == b"at work\n"
        assert store.get(run_id).state is JobState.RUNNING
        process.stdin.close()
        assert process.wait(20) == 0
    assert store.get(run_id).state is JobState.QUEUED
    assert store.claim().attempt == 2


@pytest.mark.slow
def test_a_run_whose_worker_is_killed_ends_as_if_nothing_had_happened(store):
    """On the same machine nobody waits until the lease runs out."""
    run_id = store.enqueue(LONG)
    process = WorkerProcess()
    try:
        wait_until(lambda: history(store, run_id) and process.is_alive)
        os.kill(process.process.pid, signal.SIGKILL)
        assert process.process.wait(10) == -signal.SIGKILL
    finally:
        process.close()
    orphan = store.get(run_id)
    assert orphan.state is JobState.RUNNING and orphan.attempt == 1
    assert 1 <= len(history(store, run_id)) < LONG.recipe.epochs

    assert work(store, drain=True) == 1
    ended = store.get(run_id)
    assert ended.state is JobState.FINISHED and ended.attempt == 2
    assert history(store, run_id) == uninterrupted(store, LONG)


@pytest.mark.slow
def test_only_the_dead_of_this_machine_lose_their_runs(store):
    here = processes.this_computer()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    store.enqueue_all([TINY] * 4)
    workers = [processes.this_process(), f"{here} {child.pid}", f"elsewhere {child.pid}", ""]
    runs = [store.claim(worker) for worker in workers]
    processes.end_leases_of_the_dead(store)
    assert store.claim("another").id == runs[1].id
    assert store.claim("another") is None


@pytest.mark.slow
def test_a_worker_of_the_server_leaves_when_it_is_closed(store):
    process = WorkerProcess()
    assert process.is_alive
    process.close()
    assert not process.is_alive


def test_a_worker_can_be_asked_to_leave(store):
    leave = threading.Event()
    leave.set()
    store.enqueue(TINY)
    assert work(store, leave=leave) == 0


@pytest.mark.slow
def test_a_store_that_breaks_while_a_run_ends_is_no_traceback(store, monkeypatch):
    run = claimed(store)

    def refuse(*args):
        raise LabError("The run store could not be written.")

    monkeypatch.setattr(Store, "finish", refuse)
    execute(store, run)  # the lease expires, another worker takes it up
    assert store.get(run.id).state is JobState.RUNNING


# Measurements


def test_a_measurement_travels_the_road_of_a_run(store):
    request = LayerTimesRequest(complete(ModelSpec("lenet", image_size=28)), "cpu", 2, passes=2)
    job = store.enqueue_measurement(request)
    assert work(store, drain=True) == 1
    done = store.job(job.id)
    assert (done.state, done.fraction) == (JobState.FINISHED, 1.0)
    assert LayerTimes.from_dict(done.result).passes == 2 and done.seconds > 0


def test_a_measurement_that_fails_says_why(store):
    job = store.enqueue_measurement(GradientFlowRequest((), "fashion-mini", 1, "default", 4, (77,)))
    work(store, drain=True)
    failed = store.job(job.id)
    assert failed.state is JobState.FAILED and "There is no run 77" in failed.message


def test_a_stopped_measurement_keeps_what_it_knows(store, impatient, monkeypatch):
    request = LayerTimesRequest(complete(ModelSpec("lenet", image_size=28)), "cpu", 2, passes=1_000)
    job = store.enqueue_measurement(request)
    keep = Store.keep_partial_result

    def keep_and_stop(self, job, result, progress) -> None:
        keep(self, job, result, progress)
        store.request_stop([job.id])
        time.sleep(0.05)

    monkeypatch.setattr(Store, "keep_partial_result", keep_and_stop)
    assert execute(store, store.claim()) is JobState.STOPPED
    stopped = store.job(job.id)
    assert stopped.state is JobState.STOPPED and stopped.result["passes"] < 1_000


def test_predictions_of_a_run_are_a_measurement_too(store):
    run = claimed(store)
    execute(store, run)
    run = store.get(run.id)
    job = store.enqueue_measurement(PredictRequest(run.id, run.best_file.sha256))
    work(store, drain=True)
    assert store.job(job.id).state is JobState.FINISHED
    labels = load("fashion-mini").test_labels.numpy()
    predictions = read_predictions(run, labels)
    assert predictions.accuracy == pytest.approx(run.best_accuracy)


# Workers that do not start


def test_a_worker_that_dies_at_its_start_is_started_ever_later(store, monkeypatch):
    starts = []

    class Dying:
        """A worker process that ends at once."""

        def __init__(self, *settings, **named) -> None:
            starts.append(time.monotonic())
            self.began, self.is_alive, self.is_starting = time.monotonic(), False, False
            self.process = self

        def poll(self) -> int:
            return 3

    monkeypatch.setattr(local, "WorkerProcess", Dying)
    clock = [1_000.0]
    monkeypatch.setattr(local.time, "monotonic", lambda: clock[0])
    workers = local.Workers()
    for _ in range(300):  # a page looks once a second
        workers.ensure(store)
        clock[0] += 1.0
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[:4] == sorted(pauses[:4]) and max(pauses) <= local.MAX_PAUSE_SECONDS + 2
    assert len(starts) < 15
    assert "ended" in workers.problem and "exit code 3" in workers.problem
