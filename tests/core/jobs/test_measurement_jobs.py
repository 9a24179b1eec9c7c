"""Measurements are jobs like runs; who asks for the same shares one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.store import (
    JobState,
    LostJob,
)
from core.jobs.workers import QueueFilter
from core.measure.inside_requests import (
    ActivityRequest,
    EffectiveFieldRequest,
    EmbeddingRequest,
    LandscapeRequest,
    MissingPartsRequest,
)
from core.measure.requests import (
    REQUESTS,
    ComputePlanRequest,
    DeviceSpeedRequest,
    GradientFlowRequest,
    LayerTimesRequest,
    LearningRatesRequest,
    PredictRequest,
    RunsAtOnceRequest,
    StepCostRequest,
    ThroughputRequest,
    request_from_json,
)
from core.specs import LabError, ModelSpec
from core.training.records import Device, Progress
from tests.core.jobs.example_runs import SPEC, fall_silent

TIMES_OF_LENET = LayerTimesRequest(ModelSpec("lenet", image_size=28), "cpu", 16)


def test_results_are_kept_by_what_was_asked_for(store):
    request = DeviceSpeedRequest("cpu")
    assert store.result_of(request) is None
    for rate in (1.0, 2.0):
        store.keep_result(request, {"linear": rate}, replace=True)
    assert store.result_of(request) == {"linear": 2.0}
    assert store.result_of(DeviceSpeedRequest("cuda")) is None


def test_of_two_that_measure_the_same_the_first_counts(store):
    request = ComputePlanRequest("here")
    assert store.keep_result(request, {"threads": 2}) == {"threads": 2}
    assert store.keep_result(request, {"threads": 1}) == {"threads": 2}


def test_an_older_request_for_a_landscape_is_for_a_random_plane():
    values = LandscapeRequest(((4, "00ff"),), ()).to_dict()
    del values["plane"]
    older = LandscapeRequest.from_dict(values)
    assert older == LandscapeRequest(((4, "00ff"),), ()) and older.plane == "random"
    assert older.what() == ((4, "00ff"), 15, 1.0, 1_000, 0)  # as older labs made its key
    along = replace(older, plane="path")
    assert along.key != older.key and replace(along, seed=3, span=2.0).key == along.key
    with pytest.raises(LabError, match="A plane is random or path, not 'flat'"):
        replace(older, plane="flat")


def test_a_range_test_is_the_same_whatever_the_rate_that_is_held_against_it():
    request = LearningRatesRequest(SPEC)

    def of(**changes):
        return replace(request, run=replace(SPEC, recipe=replace(SPEC.recipe, **changes)))

    alike = {"learning_rate": 0.7, "schedule": "constant", "epochs": 9, "name": "by hand"}
    assert of(**alike).key == request.key
    assert SPEC.recipe.schedule != alike["schedule"]
    others = [of(batch_size=7), of(momentum=0.5), of(normalize=not SPEC.recipe.normalize)]
    others += [replace(request, run=replace(SPEC, seed=5)), replace(request, steps=400)]
    assert len({other.key for other in (request, *others)}) == len(others) + 1


def test_a_range_test_needs_what_its_run_needs(store):
    large = replace(SPEC, recipe=replace(SPEC.recipe, batch_size=10_000), device="cuda")
    needs = store.enqueue_measurement(LearningRatesRequest(large, hardware="Tesla T4")).needs
    run = store.get(store.enqueue(large))
    assert needs == replace(run.needs, hardware="Tesla T4")


def test_two_who_ask_for_the_same_share_one_job(store):
    first = store.enqueue_measurement(TIMES_OF_LENET)
    assert store.enqueue_measurement(TIMES_OF_LENET) == first
    assert store.enqueue_measurement(replace(TIMES_OF_LENET, batch_size=8)).id != first.id
    job = store.claim()
    assert (job.id, job.request, job.kind) == (first.id, TIMES_OF_LENET, "layer-times")
    again = store.enqueue_measurement(TIMES_OF_LENET)  # under way: nothing is started twice
    assert (again.id, again.state, again.attempt) == (first.id, JobState.RUNNING, 1)


def test_a_measurement_is_measured_again_from_the_beginning(store):
    store.enqueue_measurement(TIMES_OF_LENET)
    job = store.claim()
    store.keep_partial_result(job, {"passes": 9}, Progress("measuring", 1, 1, 1000, 1000))
    store.finish(job, JobState.FINISHED)
    assert store.measurement(TIMES_OF_LENET).result == {"passes": 9}
    again = store.enqueue_measurement(TIMES_OF_LENET)
    assert (again.id, again.state, again.result) == (job.id, JobState.QUEUED, None)
    with pytest.raises(LostJob):  # the fence rises with the next claim, and the state guards now
        store.finish(job, JobState.FAILED)
    assert store.claim().attempt == 2


def test_a_measurement_whose_process_died_is_failed_with_its_sentence(store):
    store.enqueue_measurement(TIMES_OF_LENET)
    job = store.claim()
    fall_silent(store, job)
    assert store.claim() is None
    dead = store.measurement(TIMES_OF_LENET)
    assert dead.state is JobState.FAILED and "measure again" in dead.message


def test_measurements_are_no_runs_and_can_be_stopped_and_deleted(store):
    job = store.enqueue_measurement(TIMES_OF_LENET)
    run_id = store.enqueue(SPEC)
    assert [run.id for run in store.runs()] == [run_id]
    assert [one.id for one in store.measurements()] == [job.id]
    with pytest.raises(LabError, match="is a measurement"):
        store.get(job.id)
    store.request_stop([job.id])
    assert store.job(job.id).state is JobState.STOPPED
    store.resume(job.id)
    assert store.job(job.id).state is JobState.QUEUED
    store.delete([job.id])
    assert store.measurement(TIMES_OF_LENET) is None and store.measurements() == []


def test_a_worker_takes_what_its_filter_lets_through(store):
    job = store.enqueue_measurement(TIMES_OF_LENET)
    run_id = store.enqueue(SPEC)
    assert store.claim(queue_filter=QueueFilter.STUDIES) is None
    assert store.claim(queue_filter=QueueFilter.SINGLE).id == run_id
    assert store.claim(queue_filter=QueueFilter.SINGLE) is None
    assert store.claim(queue_filter=QueueFilter.MEASUREMENTS).id == job.id


ON_A_CARD = replace(TIMES_OF_LENET, device="cuda", hardware="NVIDIA H100")
CARD = Device("cuda", "NVIDIA H100", 80 * 2**30)


@pytest.mark.parametrize(
    "devices",
    [
        (),
        (Device("cpu", "a CPU"),),
        (replace(CARD, hardware="Tesla T4"),),
        (replace(CARD, name="cuda:1"),),
    ],
    ids=["none", "cpu", "another card", "under another name"],
)
def test_a_measurement_is_taken_where_its_hardware_is(store, devices):
    job = store.enqueue_measurement(ON_A_CARD)
    assert store.waiting(devices=devices) == [] and store.claim(devices=devices) is None
    assert store.claim(devices=(*devices, CARD)).id == job.id


@pytest.mark.parametrize(
    "request_",
    [
        ON_A_CARD,
        DeviceSpeedRequest("cuda", "NVIDIA H100"),
        ThroughputRequest(SPEC, (32,), ("cuda",), hardware=("NVIDIA H100",)),
        LearningRatesRequest(replace(SPEC, device="cuda"), hardware="NVIDIA H100"),
        StepCostRequest(replace(SPEC, device="cuda"), hardware="NVIDIA H100"),
        PredictRequest(4, "00ff"),
    ],
    ids=lambda request: request.kind,
)
def test_a_machine_that_comes_back_under_another_name_finds_what_it_measured(
    store, monkeypatch, request_
):
    monkeypatch.setattr("platform.node", lambda: "pod-1")
    store.keep_result(request_, {"found": 1})
    monkeypatch.setattr("platform.node", lambda: "pod-2")
    assert store.result_of(request_) == {"found": 1}
    if not isinstance(request_, PredictRequest):  # the same on every hardware
        other = "Tesla T4"
        other = (other,) if isinstance(request_.hardware, tuple) else other
        assert store.result_of(replace(request_, hardware=other)) is None


def test_what_was_measured_under_the_hosts_name_is_found_there_until_it_is_measured_again(
    store, monkeypatch
):
    monkeypatch.setattr("platform.node", lambda: "laptop")
    store.keep_result(replace(ON_A_CARD, hardware=""), {"found": "before"})
    assert store.result_of(ON_A_CARD) == {"found": "before"}
    store.keep_result(ON_A_CARD, {"found": "now"})
    assert store.result_of(ON_A_CARD) == {"found": "now"}


def test_several_devices_are_measured_where_the_rarest_is(store):
    devices = ("cuda", "cuda:1", "cpu")
    cards = (CARD, replace(CARD, name="cuda:1"), Device("cpu", "a CPU"))
    request = ThroughputRequest(SPEC, (32,), devices, hardware=tuple(d.hardware for d in cards))
    store.enqueue_measurement(request)
    assert store.claim(devices=(cards[0], cards[2])) is None
    assert store.claim(devices=cards).request == request


WITH_PARAMETERS = (SPEC.model, "mnist", 4, "00ff", "he", 1, 0.5, None)  # of run 4


def test_every_request_comes_back_from_its_json(store):
    model = ModelSpec("course-residual", image_size=28, options={"shortcut": "none"})
    requests = (
        TIMES_OF_LENET,
        ThroughputRequest(SPEC, (32, 64), ("cpu",), rounds=3),
        LearningRatesRequest(SPEC, steps=150, sweeps=2),
        StepCostRequest(SPEC),
        GradientFlowRequest((model, replace(model, ratio=2)), "fashion-mini", 3, "he", 8, (1, 2)),
        PredictRequest(4, "00ff"),
        LandscapeRequest(((4, "00ff"),), (SPEC,), points=5, span=0.5),
        LandscapeRequest(((4, "00ff"),), (SPEC,), points=5, plane="path"),
        EmbeddingRequest(*WITH_PARAMETERS, 700),
        MissingPartsRequest(*WITH_PARAMETERS, "channels", "stem1.conv"),
        ActivityRequest(*WITH_PARAMETERS),
        EffectiveFieldRequest(*WITH_PARAMETERS, "stem1.conv"),
        DeviceSpeedRequest("cpu"),
        ComputePlanRequest("here"),
        RunsAtOnceRequest(SPEC),
    )
    assert {type(request) for request in requests} == set(REQUESTS.values())
    for request in requests:
        assert request_from_json(request.kind, request.to_json()) == request
        assert request_from_json(request.kind, request.to_json()).key == request.key
    assert len({request.key for request in requests}) == len(requests)
    with pytest.raises(LabError, match="no measurement 'colors'"):
        request_from_json("colors", "{}")
