"""Executing a measurement: one function a kind, which yields what is known so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.analysis import analyze
from core.inside.activity import measure_activity
from core.inside.effective_field import measure_window_counts
from core.inside.embedding import neighbor_map
from core.inside.landscape import measure_landscapes, trained_network
from core.inside.landscape_records import PATH
from core.inside.parts import measure_missing
from core.jobs.files import verified_best
from core.jobs.heartbeat import Heartbeat
from core.jobs.predictions import keep_predictions
from core.jobs.records import Measurement
from core.jobs.requested_weights import requested_weights
from core.jobs.run_weights import LAST, other_by_now, run_weights
from core.jobs.store import Store
from core.jobs.trail import parameters_path, path_epochs
from core.measure.gradient_flow import Trained, measure_flow
from core.measure.inside_requests import (
    ActivityRequest,
    EffectiveFieldRequest,
    EmbeddingRequest,
    LandscapeRequest,
    MissingPartsRequest,
)
from core.measure.layer_times import measure_layers
from core.measure.learning_rates import measure_learning_rates
from core.measure.predict import predict
from core.measure.requests import (
    GradientFlowRequest,
    LayerTimesRequest,
    LearningRatesRequest,
    PredictRequest,
    StepCostRequest,
    ThroughputRequest,
)
from core.measure.step_cost import measure_step_cost
from core.measure.throughput import measure_throughput
from core.specs import LabError
from core.training.parameters import check_hash
from core.training.records import Progress

_PARTS = 1_000  # progress is counted in thousandths


@dataclass(frozen=True)
class Partial:
    """What a measurement knows so far."""

    share: float  # of the measurement that is done, 0 to 1
    result: Mapping[str, Any]  # its record's `to_dict`


def measure(store: Store, job: Measurement, heartbeat: Heartbeat) -> None:
    """Measure what the job asks for and keep its results as they come.

    Raises LabError, StopRequested, LostJob.
    """
    if job.request is None or job.kind not in MEASURES:
        raise LabError("This measurement is of another version of the lab; delete it.")
    heartbeat.check(Progress("measuring", 1, 1, 0, _PARTS))
    for partial in MEASURES[job.kind](store, job.request):
        _keep(store, job, heartbeat, partial)


def _keep(store: Store, job: Measurement, heartbeat: Heartbeat, partial: Partial) -> None:
    """Write what is known so far, and end here when somebody has pressed stop."""
    progress = Progress("measuring", 1, 1, round(_PARTS * min(1.0, partial.share)), _PARTS)
    heartbeat.patiently(lambda: store.keep_partial_result(job, partial.result, progress))
    heartbeat.check(progress)


def _layer_times(store: Store, request: LayerTimesRequest) -> Iterator[Partial]:
    analysis = analyze(request.model)
    passes = request.passes
    for times in measure_layers(analysis, request.device, request.batch_size, passes):
        yield Partial(times.passes / passes, times.to_dict())


def _throughput(store: Store, request: ThroughputRequest) -> Iterator[Partial]:
    sizes, devices = list(request.batch_sizes), list(request.devices)
    for rates in measure_throughput(request.run, sizes, devices, request.rounds):
        yield Partial(rates.share, rates.to_dict())


def _learning_rates(store: Store, request: LearningRatesRequest) -> Iterator[Partial]:
    for known in measure_learning_rates(request.run, request.steps, request.sweeps):
        yield Partial(known.share, known.to_dict())


def _step_cost(store: Store, request: StepCostRequest) -> Iterator[Partial]:
    for known in measure_step_cost(request.run):
        yield Partial(known.share, known.to_dict())


def _gradient_flow(store: Store, request: GradientFlowRequest) -> Iterator[Partial]:
    trained = [trained_run(store, run_id) for run_id in request.runs]
    setting = (request.dataset, request.seeds, request.initialization, request.batch_size)
    for flow in measure_flow(request.models, *setting, trained):
        yield Partial(flow.share, flow.to_dict())


def _predict(store: Store, request: PredictRequest) -> Iterator[Partial]:
    run = store.get(request.run)
    keep_predictions(run, predict(run.spec, verified_best(run), run.compute_plan))
    yield Partial(1.0, {"run": run.id})


def _missing_parts(store: Store, request: MissingPartsRequest) -> Iterator[Partial]:
    weights = requested_weights(store, request)
    for known in measure_missing(weights, request.dataset, request.level, request.layer):
        yield Partial(known.share, known.to_dict())


def _activity(store: Store, request: ActivityRequest) -> Iterator[Partial]:
    for known in measure_activity(requested_weights(store, request), request.dataset):
        yield Partial(known.share, known.to_dict())


def _effective_field(store: Store, request: EffectiveFieldRequest) -> Iterator[Partial]:
    weights = requested_weights(store, request)
    for known in measure_window_counts(weights, request.dataset, request.layer):
        is_whole = known.after is not None or not weights.file
        yield Partial(1.0 if is_whole else 0.5, known.to_dict())


def _landscape(store: Store, request: LandscapeRequest) -> Iterator[Partial]:
    runs = []
    for run_id, digest in request.runs:
        if request.plane == PATH:
            known = _run_at_its_end(store, run_id, digest)
        else:
            known = trained_run(store, run_id, digest)
        run = store.get(run_id)
        path = list(zip(path_epochs(run), parameters_path(run) or (), strict=True))
        runs.append(trained_network(run_id, known.epoch, known.spec, known.parameters, path))
    plane = (request.points, request.span, request.images, request.seed, request.plane)
    for landscape in measure_landscapes(runs, request.trainings, *plane):
        yield Partial(landscape.share, landscape.to_dict())


def _embedding(store: Store, request: EmbeddingRequest) -> Iterator[Partial]:
    weights = requested_weights(store, request)
    for share, positions in neighbor_map(weights, request.dataset, request.images):
        yield Partial(share, {"positions": [[round(float(x), 4) for x in p] for p in positions]})


def trained_run(store: Store, run_id: int, sha256: str = "") -> Trained:
    """A run with its best parameters. Raises LabError where they, with this hash, are not here."""
    run = store.get(run_id)
    path = verified_best(run)
    if sha256 and run.best_file is not None and run.best_file.sha256 != sha256:
        raise other_by_now(run_id)
    assert run.best_epoch is not None  # as the file is there
    return Trained(run_id, run.best_epoch, run.spec, path)


def _run_at_its_end(store: Store, run_id: int, sha256: str) -> Trained:
    """A run with its last parameters. Raises LabError where they, with this hash, are not here."""
    run = store.get(run_id)
    weights = run_weights(run, LAST)
    if weights.sha256 != sha256:
        raise other_by_now(run_id)
    check_hash(Path(weights.file), sha256)
    last = max((epoch.epoch for epoch in store.epochs([run_id])[run_id]), default=0)
    return Trained(run_id, last, run.spec, Path(weights.file))


MEASURES: dict[str, Callable[[Store, Any], Iterator[Partial]]] = {
    LayerTimesRequest.kind: _layer_times,
    ThroughputRequest.kind: _throughput,
    LearningRatesRequest.kind: _learning_rates,
    StepCostRequest.kind: _step_cost,
    GradientFlowRequest.kind: _gradient_flow,
    PredictRequest.kind: _predict,
    MissingPartsRequest.kind: _missing_parts,
    ActivityRequest.kind: _activity,
    EffectiveFieldRequest.kind: _effective_field,
    LandscapeRequest.kind: _landscape,
    EmbeddingRequest.kind: _embedding,
}
