"""Measurements executed by the worker."""

from __future__ import annotations

import time

import pytest

from core.cli.commands import main
from core.data.load import load
from core.jobs.execution import execute
from core.jobs.predictions import read_predictions
from core.jobs.store import JobState, Store
from core.jobs.worker import work
from core.measure.learning_rate_records import LearningRates
from core.measure.requests import (
    GradientFlowRequest,
    LayerTimesRequest,
    LearningRatesRequest,
    PredictRequest,
)
from core.specs import ModelSpec
from core.training.records import LayerTimes
from core.zoo.catalogue import complete
from tests.core.jobs.tiny_runs import TINY, claimed

pytestmark = pytest.mark.usefixtures("one_thread")


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


def test_a_range_test_is_measured_in_the_queue_and_exported(store, capsys):
    request = LearningRatesRequest(TINY, steps=50, sweeps=2)
    job = store.enqueue_measurement(request)
    assert work(store, drain=True) == 1
    done = store.job(job.id)
    assert (done.state, done.fraction) == (JobState.FINISHED, 1.0)
    found = LearningRates.from_dict(done.result)
    assert [sweep.seed for sweep in found.sweeps] == [TINY.seed, TINY.seed + 1]
    assert main(["export", str(job.id)]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert "learning_rate" in header and len(rows) == sum(len(s.losses) for s in found.sweeps)


def test_what_was_measured_is_exported_by_the_command_for_runs(store, capsys):
    request = LayerTimesRequest(complete(ModelSpec("lenet", image_size=28)), "cpu", 2, passes=1)
    job = store.enqueue_measurement(request)
    assert main(["export", str(job.id)]) == 2
    assert "is queued and has found nothing" in capsys.readouterr().err
    work(store, drain=True)
    assert main(["export", str(job.id)]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert "forward_seconds" in header and any("block1.conv" in row for row in rows)
