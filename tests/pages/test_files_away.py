"""The files of runs lie in a bucket that does not answer: pages say so, and show the rest."""

from __future__ import annotations

import pytest

from core.jobs.database import database_url
from core.jobs.files import run_folder
from core.jobs.records import StoredFile
from core.jobs.store import JobState, Run, open_store
from core.measure.requests import PredictRequest
from core.specs import ModelSpec, Recipe, RunSpec
from core.storage import remote
from core.storage.files_place import files_place
from core.training.records import EpochMetrics
from pages.views.inside.subject import name_of_run
from tests import s3
from tests.pages.opening import open_page
from tests.places import bucket, elsewhere, s3_server  # noqa: F401

SPEC = RunSpec(
    ModelSpec("course-inception", image_size=28),
    "fashion-mini",
    Recipe("fast", epochs=1, batch_size=64, learning_rate=0.05),
)
AWAY = "The run's files could not be read from s3://lab/"


@pytest.fixture
def run(bucket, elsewhere, monkeypatch) -> Run:  # noqa: F811
    """Finished on another machine, which shares no disk with this one."""
    monkeypatch.setattr(remote, "_PAUSES", (0.01,))
    store = open_store()
    store.enqueue(SPEC)
    run = store.claim()
    assert run is not None
    name = "best-1-1.safetensors"
    digest = files_place().write(f"{run_folder(run)}/{name}", lambda path: path.touch())
    metrics = EpochMetrics(1, 0.5, 0.8, 0.6, 0.7, 1.0, 0.1, 5000.0, 0.01)
    store.record(run, metrics, StoredFile("checkpoint-1-1-0.pt", digest), StoredFile(name, digest))
    store.finish(run, JobState.FINISHED)
    store.keep_result(PredictRequest(run.id, digest), {"run": run.id})
    monkeypatch.setenv("LAB_DATABASE_URL", database_url())
    elsewhere()
    return store.get(run.id)


def errors(app) -> list[str]:
    assert not app.exception
    return [one.value.replace("\\", "") for one in app.error]


def test_the_record_of_a_run_says_what_cannot_be_read_and_shows_the_rest(run, bucket):  # noqa: F811
    with bucket.mood(s3.overloaded, "GET", "HEAD"):
        app = open_page("pages/train.py", run=str(run.id))
    assert errors(app) and all(AWAY in one for one in errors(app))
    assert "What it gets wrong" in [one.value for one in app.header]
    assert "Metrics as CSV" in [one.label for one in app.get("download_button")]


@pytest.mark.parametrize("page", ["inside", "gradients", "runs", "residual", "compare"])
def test_other_pages_stand(run, bucket, page):  # noqa: F811
    wanted = {"in_network": name_of_run(run.id)} if page == "inside" else {}
    with bucket.mood(s3.overloaded, "GET", "HEAD"):
        app = open_page(f"pages/{page}.py", **wanted)
    assert [one[: len(AWAY)] for one in errors(app)] == ([AWAY] if page == "inside" else [])
