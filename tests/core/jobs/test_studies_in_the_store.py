"""Studies in the store: queued, stopped, continued and deleted as one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from core.jobs.files import delete_study
from core.jobs.store import JobState, QueueFilter, Run, Store, Study, StudyKind, open_store
from core.language import Message
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from core.zoo.variants import VARIANTS
from tests.run_files import folder_of

SHORT = Recipe("fast", epochs=2, batch_size=64, learning_rate=0.05)
PLAIN = ModelSpec("course-residual", image_size=28, options=VARIANTS["identity"].options)
NONE = replace(PLAIN, options=VARIANTS["none"].options)
SPECS = [
    RunSpec(model, "fashion-mini", SHORT, seed=seed) for seed in range(3) for model in (PLAIN, NONE)
]
SETTINGS = {"variants": ["identity", "none"], "seeds": 3}


def metrics(epoch: int, accuracy: float) -> EpochMetrics:
    return EpochMetrics(epoch, 0.5, 0.8, 0.6, accuracy, 2.0, 0.5, 5000.0, 0.01)


def finish(store: Store, run: Run, *accuracies: float) -> None:
    """End a claimed run with these test accuracies."""
    for epoch, accuracy in enumerate(accuracies, start=1):
        store.record(run, metrics(epoch, accuracy))
    store.finish(run, JobState.FINISHED)


# In the store ----------------------------------------------------------------------------------


def test_a_study_and_its_runs_come_together(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    assert store.study(study.id) == study
    runs = store.runs(study=study.id)
    assert [run.spec for run in reversed(runs)] == SPECS
    assert {run.state for run in runs} == {JobState.QUEUED}
    assert open_store().studies(StudyKind.VARIANTS) == [study]


def test_two_studies_in_one_second_are_two(store):
    ids = {store.create_study("twice", {}, SPECS[:1]).id for _ in range(5)}
    assert len(ids) == 5
    assert [study.id in ids for study in store.studies(StudyKind.VARIANTS, 3)] == [True] * 3


def test_a_study_without_runs_is_refused(store):
    with pytest.raises(LabError, match="needs at least one run"):
        store.create_study("empty", {}, [])
    with pytest.raises(LabError, match="no such study"):
        store.study("empty")


def test_studies_are_told_apart_by_their_kind(store):
    stack = store.create_study("stack", {}, SPECS[:1], StudyKind.STACK)
    variants = store.create_study("two blocks", SETTINGS, SPECS)
    assert store.studies(StudyKind.STACK) == [stack]
    assert store.studies(StudyKind.VARIANTS) == [variants]
    assert store.study(stack.id) == stack


def test_runs_are_added_to_a_study_that_is_made_when_it_is_missing(store):
    study = Study("reproduction", "Again", kind=StudyKind.REPRODUCTION)
    store.add_to_study(study, [])
    assert store.studies(StudyKind.REPRODUCTION) == []
    store.add_to_study(study, SPECS[:1])
    store.add_to_study(study, SPECS[1:2])
    assert store.studies(StudyKind.REPRODUCTION) == [study]
    assert [run.spec for run in reversed(store.runs(study="reproduction"))] == SPECS[:2]


def test_a_study_stops_and_goes_on_as_a_whole(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    other = store.enqueue(SPECS[0])
    done, failed, running = (store.claim(queue_filter=QueueFilter.STUDIES) for _ in range(3))
    finish(store, done, 0.5, 0.6)
    store.finish(failed, JobState.FAILED, Message("The disk is full."))
    store.stop_study(study.id)
    assert store.get(running.id).stop_requested
    store.finish(running, JobState.STOPPED)
    states = [run.state for run in store.runs(study=study.id)]
    assert sorted(map(str, states)) == ["failed", "finished", *["stopped"] * 4]
    assert store.get(other).state is JobState.QUEUED

    assert store.continue_study(study.id) == 5
    again = store.get(failed.id)
    assert (again.state, again.message) == (JobState.QUEUED, "")
    assert store.get(done.id).state is JobState.FINISHED


def test_a_study_is_deleted_with_its_files(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    single = store.enqueue(SPECS[0])
    run = store.claim()
    folder = folder_of(run)
    folder.mkdir(parents=True)
    delete_study(store, study.id)
    assert [run.id for run in store.runs()] == [single]
    assert store.studies(StudyKind.VARIANTS) == [] and not folder.exists()
    with store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM studies")) == 0


def test_a_worker_takes_only_its_kind_of_run(store):
    single = store.enqueue(SPECS[0])
    study = store.create_study("one", {}, SPECS[:1])
    assert [run.study for run in store.waiting(QueueFilter.STUDIES)] == [study.id]
    assert store.claim(queue_filter=QueueFilter.STUDIES).study == study.id
    assert store.claim(queue_filter=QueueFilter.STUDIES) is None
    assert store.claim(queue_filter=QueueFilter.SINGLE).id == single
    assert store.waiting() == []
