"""The worker: jobs from the queue, one after the other, whatever happens to them or to it."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from core.data.batches import prepare
from core.data.load import load
from core.jobs import train as train_module
from core.jobs.execution import execute
from core.jobs.files import best_path, load_checkpoint, verified_best
from core.jobs.schema import tables
from core.jobs.store import JobState, Run, Store, StoreUnavailable, open_store
from core.jobs.worker import work
from core.specs import LabError, ModelSpec, RunSpec
from core.training.fit import fit
from core.training.recipes import recipe
from core.training.records import TIMES, EpochMetrics, Progress
from core.zoo.building import build
from tests.core.jobs.tiny_runs import (
    TINY,
    claimed,
    history,
    stopped_in_the_second_epoch,
    uninterrupted,
    wait_until,
)
from tests.run_files import folder_of, names_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "few_test_images")]


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
    assert names_of(run) == [
        f"best-1-{best.epoch}.safetensors",
        "checkpoint-1-3-0.pt",
        *(f"path-1-{epoch}.npz" for epoch in range(4)),
        *(f"trail-1-{epoch}.npz" for epoch in range(4)),
    ]


def test_the_same_run_gives_the_figures_of_fit(store):
    rows = [asdict(e) for e in fit(TINY, load("fashion-mini")) if isinstance(e, EpochMetrics)]
    for row in rows:
        for name in TIMES:
            del row[name]
    assert uninterrupted(store, TINY) == rows


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
        images = prepare(data.test_images, (28, 28), 1, data.info.mean, data.info.std)
        hits = (network.eval()(images).argmax(1) == data.test_labels).sum()
    assert hits / len(data.test_labels) == pytest.approx(store.get(run.id).best_accuracy)


def test_the_state_for_a_resume_is_that_of_the_last_epoch(store):
    run = claimed(store)
    execute(store, run)
    state = load_checkpoint(store.get(run.id))
    assert (state["epoch"], state["step"]) == (3, 0)


def test_all_queued_runs_are_executed_in_order(store):
    ids = store.enqueue_all([replace(TINY, seed=seed) for seed in range(2)])
    assert work(store, drain=True) == 2
    runs = sorted(store.runs(), key=lambda run: run.id)
    assert [run.id for run in runs] == ids
    assert {run.state for run in runs} == {JobState.FINISHED}
    assert runs[0].finished_at <= runs[1].started_at


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
    in_the_way = folder_of(first)
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


def test_a_store_that_is_away_where_nothing_waits_for_it_keeps_the_run_in_the_queue(
    store, monkeypatch
):
    run, check = claimed(store), train_module._check_feasible

    def refuse(run) -> None:
        monkeypatch.setattr(train_module, "_check_feasible", check)  # the next time it is there
        raise StoreUnavailable("The run store could not be written: another program holds it.")

    monkeypatch.setattr(train_module, "_check_feasible", refuse)
    assert execute(store, run) is JobState.QUEUED
    assert store.get(run.id).state is JobState.QUEUED
    assert work(store, drain=True) == 1
    assert store.get(run.id).state is JobState.FINISHED


def test_a_run_that_waits_for_its_disk_can_be_stopped(store, impatient):
    run = claimed(store)
    folder_of(run).parent.mkdir(parents=True, exist_ok=True)
    folder_of(run).write_text("a file stands where the folder should be")

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


@pytest.mark.parametrize(
    ("harm", "words"), [(damage, "is damaged"), (Path.unlink, "is gone")], ids=["bit", "gone"]
)
def test_a_checkpoint_that_is_not_what_was_written_starts_the_run_over(store, harm, words):
    run_id = stopped_in_the_second_epoch(store)
    harm(folder_of(run_id) / store.get(run_id).checkpoint.name)
    store.resume(run_id)
    assert work(store, drain=True) == 1
    ended = store.get(run_id)
    assert ended.state is JobState.FINISHED
    assert words in ended.note and "started over" in ended.note
    assert history(store, run_id) == uninterrupted(store, TINY)


def test_files_of_another_store_are_not_taken_for_the_runs_own(store):
    """The store was deleted or moved, its run folders stayed: numbers begin at 1 again."""
    execute(store, claimed(store, replace(TINY, seed=5)))
    tables.drop_all(store.engine)
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
    left = set(names_of(run))
    attempt_of = (1, 1, 2, 2)  # what the dead one wrote after its last recorded epoch is gone
    trail = {f"{kind}-{n}-{e}.npz" for e, n in enumerate(attempt_of) for kind in ("path", "trail")}
    assert left == {kept.checkpoint.name, kept.best_file.name} | trail


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


# Longer


def test_an_extended_run_is_the_longer_run(store):
    longer = replace(TINY, recipe=recipe("published-course", 96, epochs=4, batch_size=32))
    shorter = replace(longer, recipe=replace(longer.recipe, epochs=2))
    run = claimed(store, shorter)
    execute(store, run)
    store.extend(run.id, 4)
    work(store, drain=True)
    assert store.get(run.id).spec == longer
    assert history(store, run.id) == uninterrupted(store, longer)
