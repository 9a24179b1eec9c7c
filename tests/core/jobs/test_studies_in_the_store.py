"""Studies in the store: queued, stopped, continued and deleted as one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from core.jobs.files import delete_study, run_folder
from core.jobs.store import JobState, QueueFilter, Run, Store, StudyKind, open_store
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from core.zoo.variants import VARIANTS

SHORT = Recipe("fast", epochs=2, batch_size=64, learning_rate=0.05)
PLAIN = ModelSpec("course-residual", image_size=28, options=VARIANTS["identity"].options)
NONE = replace(PLAIN, options=VARIANTS["none"].options)
SPECS = [
    RunSpec(model, "fashion-mini", SHORT, seed=seed) for seed in range(3) for model in (PLAIN, NONE)
]
SETTINGS = {"variants": ["identity", "none"], "seeds": 3}


@pytest.fixture
def store() -> Store:
    return open_store()


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


def test_a_study_of_an_older_lab_is_a_name_with_runs(store):
    store.enqueue(SPECS[0], "residual-20260101-120000")
    [study] = store.studies(StudyKind.VARIANTS)
    assert (study.id, study.title, study.settings) == (study.id, "residual-20260101-120000", {})


def test_a_store_of_version_1_gets_the_table_of_studies(store):
    with store.writing() as connection:
        connection.execute(text("DROP TABLE studies"))
        connection.execute(text("UPDATE lab SET value = '1'"))
    store.engine.dispose()
    again = open_store()
    assert again.study(again.create_study("new", {}, SPECS).id).title == "new"


def test_a_study_stops_and_goes_on_as_a_whole(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    other = store.enqueue(SPECS[0])
    done, failed, running = (store.claim(queue_filter=QueueFilter.STUDIES) for _ in range(3))
    finish(store, done, 0.5, 0.6)
    store.finish(failed, JobState.FAILED, "The disk is full.")
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
    folder = run_folder(run.id)
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
