"""The loss around a run, and a map of test images, executed by the worker."""

from __future__ import annotations

import numpy as np
import pytest

from core.inside.landscape_records import Landscape
from core.jobs.execution import execute
from core.jobs.store import JobState
from core.jobs.worker import work
from core.measure.inside_requests import EmbeddingRequest, LandscapeRequest
from tests.core.jobs.tiny_runs import claimed

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def run(store):
    """A run that is finished."""
    job = claimed(store)
    execute(store, job)
    return store.get(job.id)


def test_the_landscape_of_a_run_has_its_trainings_path(store, run):
    request = LandscapeRequest(((run.id, run.best_file.sha256),), (), points=3, images=20)
    job = store.enqueue_measurement(request)
    work(store, drain=True)
    done = store.job(job.id)
    assert (done.state, done.fraction) == (JobState.FINISHED, 1.0), done.message
    landscape = Landscape.from_dict(done.result)
    (network,) = landscape.networks
    assert (network.run, network.epoch) == (run.id, run.best_epoch)
    assert len(network.loss) == len(network.accuracy) == 3
    assert network.path[0].epoch == 0 and network.path[-1].epoch == run.spec.recipe.epochs
    assert store.enqueue_measurement(request).id == job.id  # who asks again shares it


def test_the_plane_along_a_run_goes_through_its_last_parameters(store, run):
    request = LandscapeRequest(
        ((run.id, run.checkpoint.sha256),), (), points=3, images=20, plane="path"
    )
    job = store.enqueue_measurement(request)
    work(store, drain=True)
    done = store.job(job.id)
    assert done.state is JobState.FINISHED, done.message
    (network,) = Landscape.from_dict(done.result).networks
    last = run.spec.recipe.epochs
    assert network.epoch == last and [p.epoch for p in network.path] == list(range(last + 1))
    assert network.path[-1].loss == pytest.approx(network.path[-1].plane_loss, rel=1e-5)
    assert 0.5 < network.path_share <= 1


def test_other_parameters_than_those_asked_for_are_not_measured(store, run):
    job = store.enqueue_measurement(LandscapeRequest(((run.id, "00ff"),), (), 3, 1.0, 20))
    work(store, drain=True)
    assert store.job(job.id).state is JobState.FAILED
    assert "other parameters" in store.job(job.id).message


def test_a_map_of_test_images_has_a_place_for_each(store, run):
    spec = run.spec
    request = EmbeddingRequest(
        spec.model, spec.dataset, run.id, run.best_file.sha256, spec.recipe.initialization,
        spec.seed, None, None, 30,
    )  # fmt: skip
    job = store.enqueue_measurement(request)
    work(store, drain=True)
    done = store.job(job.id)
    assert done.state is JobState.FINISHED, done.message
    positions = np.array(done.result["positions"])
    assert positions.shape == (30, 2) and np.isfinite(positions).all()
