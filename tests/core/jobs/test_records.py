"""What the store keeps of a job comes back as it was, and what cannot be read hides nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.jobs.store import (
    JobState,
)
from core.language import Message
from core.specs import LabError
from core.training.records import Progress
from tests.core.jobs.example_runs import SPEC, claimed, metrics, unreadable

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
    [row] = unreadable(store)
    assert row.id == broken and "cannot be read" in row.reason
    with pytest.raises(LabError, match="cannot be read"):
        store.get(broken)
    assert store.claim().id == fine  # nobody trains what cannot be read
    store.delete([broken])
    assert unreadable(store) == []


def test_a_queued_row_that_cannot_be_read_is_failed_once(store):
    broken = store.enqueue(SPEC)
    with store.writing() as connection:
        connection.execute(text("UPDATE jobs SET request = 'nonsense'"))
    assert store.claim() is None
    [row] = unreadable(store)
    assert (row.id, row.state) == (broken, "failed")


@pytest.mark.slow
def test_thousands_of_numbers_can_be_named_at_once(store):
    ids = store.enqueue_all([SPEC] * 3)
    many = [*ids, *range(10_000, 120_000)]
    assert len(store.epochs(many)) == len(many)
    store.request_stop(many)
    assert {run.state for run in store.runs()} == {JobState.STOPPED}
    store.delete(many)
    assert store.runs() == []


def test_notes_are_added_one_behind_the_other(store):
    run = claimed(store)
    assert store.get(run.id).note == ""
    store.add_note(run, Message("One."))
    store.add_note(run, Message("Two."))
    assert store.get(run.id).note == "One. Two."
