"""Workers and page servers that share no disk: the files of runs lie in a bucket."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from core.analysis import analyze
from core.folders import runs_folder
from core.jobs.execution import execute
from core.jobs.files import (
    best_path,
    bytes_of_runs,
    delete_runs,
    has_best,
    load_checkpoint,
    remove_orphans,
    run_folder,
    verified_best,
)
from core.jobs.predictions import keep_predictions, read_predictions
from core.jobs.run_weights import LAST, run_weights
from core.jobs.store import JobState, Store, open_store
from core.jobs.trail import path_epochs, read_trail
from core.jobs.worker import work
from core.specs import LabError, ModelSpec, RunSpec
from core.storage import remote
from core.storage.files_place import files_place
from core.zoo import own
from core.zoo.catalogue import complete
from tests import s3
from tests.core.jobs.tiny_runs import (
    TINY,
    claimed,
    history,
    stopped_in_the_second_epoch,
    uninterrupted,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "few_test_images")]
NETWORK = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 10))
"""


@pytest.fixture
def store(bucket, elsewhere, tmp_path, monkeypatch, database) -> Store:
    """The first of several machines; all know one database and one bucket."""
    if database == "sqlite":
        monkeypatch.setenv("LAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.sqlite'}")
    monkeypatch.setattr(remote, "_PAUSES", (0.01,))
    elsewhere()
    return open_store()


def finished(store: Store, spec: RunSpec = TINY):
    run = claimed(store, spec)
    assert execute(store, run) is JobState.FINISHED, store.get(run.id).message
    return store.get(run.id)


def test_what_one_machine_has_trained_another_shows(store, elsewhere):
    there = finished(store)
    parameters, trail = verified_best(there).read_bytes(), read_trail(there)
    elsewhere()
    run = open_store().get(there.id)
    assert has_best(run) and verified_best(run).read_bytes() == parameters
    assert run_weights(run, LAST).sha256 == run.checkpoint.sha256
    assert read_trail(run).epochs == trail.epochs == (0, 1, 2, 3)
    assert path_epochs(run) == [0, 1, 2, 3]
    assert bytes_of_runs([run]) > len(parameters)
    assert not runs_folder().exists()  # what was fetched is a copy, that may be deleted


def test_predictions_are_made_on_one_machine_and_read_on_another(store, elsewhere):
    run = finished(store)
    keep_predictions(run, np.full((100, 10), 0.1, np.float32))
    elsewhere()
    labels = np.zeros(100, np.uint8)
    assert read_predictions(open_store().get(run.id), labels).accuracy == 1.0


def test_a_run_goes_on_where_another_machine_left_it(store, elsewhere):
    run_id = stopped_in_the_second_epoch(store)
    elsewhere()
    other = open_store()
    other.resume(run_id)
    assert work(other, drain=True) == 1
    run = other.get(run_id)
    assert run.state is JobState.FINISHED and run.note == ""
    assert history(other, run_id) == uninterrupted(other, TINY)
    kept = files_place().sizes(run_folder(run))
    assert {name for name in kept if name.startswith(("best", "checkpoint"))} == {
        run.best_file.name,
        run.checkpoint.name,
    }


def test_a_run_that_is_deleted_on_one_machine_leaves_nothing_in_the_bucket(store, elsewhere):
    run = finished(store)
    elsewhere()
    delete_runs(open_store(), [run.id])
    assert files_place().sizes("") == {}


def test_two_stores_in_one_place_never_meet(store, tmp_path):
    other = open_store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    first, second = finished(store), finished(other, replace(TINY, seed=1))
    assert first.id == second.id == 1 and first.store_id != second.store_id
    other.delete([second.id])
    remove_orphans(other)
    assert load_checkpoint(first)["epoch"] == 3 and best_path(second) is None


@pytest.mark.parametrize("spoil", [s3.overloaded, s3.broken, s3.forbidden])
def test_a_run_waits_for_a_bucket_that_answers_badly(store, impatient, bucket, spoil, capfd):
    with bucket.mood(spoil, "PUT", answers=30):
        run = finished(store)
    assert run.message == "" and run.note == ""
    assert "could not be written to s3://lab/" in capfd.readouterr().err
    assert history(store, run.id) == uninterrupted(store, TINY)


def test_a_run_that_goes_on_waits_for_its_checkpoint(store, elsewhere, impatient, bucket):
    run_id = stopped_in_the_second_epoch(store)
    elsewhere()
    store.resume(run_id)
    with bucket.mood(s3.overloaded, "GET", answers=10):
        assert work(store, drain=True) == 1
    assert store.get(run_id).note == ""  # it has not started over
    assert history(store, run_id) == uninterrupted(store, TINY)


def test_a_checkpoint_of_which_half_arrived_starts_the_run_over(store, elsewhere):
    run_id = stopped_in_the_second_epoch(store)
    run = store.get(run_id)
    place, name = files_place(), f"{run_folder(run)}/{run.checkpoint.name}"
    whole = place.fetch(name).read_bytes()
    place.files.pipe_file(f"{place.root}/{name}", whole[: len(whole) // 2])
    elsewhere()
    store.resume(run_id)
    assert work(store, drain=True) == 1
    ended = store.get(run_id)
    assert ended.state is JobState.FINISHED and "is damaged" in ended.note
    assert history(store, run_id) == uninterrupted(store, TINY)


def test_what_could_not_be_deleted_is_deleted_later(store, bucket):
    gone, kept = finished(store), finished(store)
    with bucket.mood(s3.overloaded, "DELETE", "POST", "GET"):
        delete_runs(store, [gone.id])
    assert files_place().sizes(run_folder(gone))
    remove_orphans(store)
    assert files_place().sizes(run_folder(gone)) == {} and verified_best(kept)


def test_a_network_of_ones_own_is_built_where_its_file_never_was(
    store, elsewhere, networks_file, monkeypatch
):
    networks_file(NETWORK)
    spec = replace(TINY, model=complete(ModelSpec("nets.py:Net", image_size=28)))
    run_id = store.enqueue(spec)
    elsewhere()
    monkeypatch.setenv(own.VARIABLE, "")
    monkeypatch.setattr(own, "_last_good", {})
    assert work(store, drain=True) == 1
    run = store.get(run_id)
    assert run.state is JobState.FINISHED, run.message
    assert analyze(run.spec.model).totals.params == 7_850
    assert finished(store, replace(run.spec, seed=1)).state is JobState.FINISHED


def test_a_source_that_two_stores_keep_outlives_one_of_them(store, networks_file, tmp_path):
    networks_file(NETWORK)
    spec = replace(TINY, model=complete(ModelSpec("nets.py:Net", image_size=28)))
    other = open_store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    first = store.get(store.enqueue(spec))
    second = other.enqueue(first.spec)  # by the name that the first store gave it
    delete_runs(store, [first.id])
    assert analyze(other.get(second).spec.model).totals.params == 7_850
    delete_runs(other, [second])
    assert files_place().sizes("") == {}


def test_a_bucket_that_is_away_is_one_sentence_for_whoever_looks(store, elsewhere, bucket):
    run = finished(store)
    elsewhere()
    with bucket.mood(s3.overloaded, "GET", "HEAD"):
        assert has_best(run)  # as far as is known here
        for look in (verified_best, run_weights, read_trail, path_epochs, predictions):
            with pytest.raises(LabError, match="could not be read from s3://lab/"):
                look(run)
        assert bytes_of_runs([run]) is None


def predictions(run):
    return read_predictions(run, np.zeros(100, np.uint8))


@pytest.mark.sqlite
def test_runs_of_an_older_store_keep_their_files_where_they_are(isolated_runs, monkeypatch):
    monkeypatch.delenv("LAB_DATABASE_URL", raising=False)
    store = open_store()
    done, stopped = finished(store), stopped_in_the_second_epoch(store)
    for run_id in (done.id, stopped):  # as schema 7 had them
        run = store.get(run_id)
        (runs_folder() / run_folder(run)).rename(isolated_runs / f"run-{run_id}")
    with store.writing() as connection:
        connection.execute(text("ALTER TABLE jobs DROP COLUMN store_id"))
        connection.execute(text("ALTER TABLE jobs ADD COLUMN host VARCHAR(200)"))
        connection.execute(text("DELETE FROM lab WHERE name = 'store_id'"))
        connection.execute(text("UPDATE lab SET value = '7'"))
    store = open_store()
    assert verified_best(store.get(done.id)).parent == isolated_runs / f"run-{done.id}"
    store.resume(stopped)
    assert work(store, drain=True) == 1
    assert store.get(stopped).note == ""
    new = finished(store, replace(TINY, seed=1))
    assert verified_best(new).parent == isolated_runs / store.id / f"run-{new.id}"
    delete_runs(store, [done.id, stopped, new.id])
    assert list(isolated_runs.rglob("run-*")) == []
