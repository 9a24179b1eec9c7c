"""Executing a measurement: one function a kind, which yields what is known so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.analysis import analyze
from core.inside.embedding import neighbor_map
from core.inside.landscape import measure_landscapes, trained_network
from core.inside.shipped import SHIPPED
from core.inside.weights import Weights
from core.jobs.files import verified_best
from core.jobs.heartbeat import Heartbeat
from core.jobs.predictions import keep_predictions
from core.jobs.records import Measurement
from core.jobs.run_weights import BEST, LAST, run_weights
from core.jobs.store import Store
from core.jobs.trail import parameters_path, path_epochs
from core.measure.gradient_flow import Trained, measure_flow
from core.measure.layer_times import measure_layers
from core.measure.predict import predict
from core.measure.requests import (
    EmbeddingRequest,
    GradientFlowRequest,
    LandscapeRequest,
    LayerTimesRequest,
    PredictRequest,
    ThroughputRequest,
)
from core.measure.throughput import measure_throughput
from core.specs import LabError
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


def _gradient_flow(store: Store, request: GradientFlowRequest) -> Iterator[Partial]:
    trained = [trained_run(store, run_id) for run_id in request.runs]
    setting = (request.dataset, request.seeds, request.initialization, request.batch_size)
    for flow in measure_flow(request.models, *setting, trained):
        yield Partial(flow.share, flow.to_dict())


def _predict(store: Store, request: PredictRequest) -> Iterator[Partial]:
    run = store.get(request.run)
    keep_predictions(run, predict(run.spec, verified_best(run), run.compute_plan))
    yield Partial(1.0, {"run": run.id})


def _landscape(store: Store, request: LandscapeRequest) -> Iterator[Partial]:
    runs = []
    for run_id, digest in request.runs:
        known = trained_run(store, run_id, digest)
        run = store.get(run_id)
        path = list(zip(path_epochs(run), parameters_path(run) or (), strict=True))
        runs.append(trained_network(run_id, known.epoch, known.spec, known.parameters, path))
    plane = (request.points, request.span, request.images, request.seed)
    for landscape in measure_landscapes(runs, request.trainings, *plane):
        yield Partial(landscape.share, landscape.to_dict())


def _embedding(store: Store, request: EmbeddingRequest) -> Iterator[Partial]:
    weights = _asked_weights(store, request)
    for share, positions in neighbor_map(weights, request.dataset, request.images):
        yield Partial(share, {"positions": [[round(float(x), 4) for x in p] for p in positions]})


def _asked_weights(store: Store, request: EmbeddingRequest) -> Weights:
    """The parameters that the request names. Raises LabError where the run has others by now."""
    asked = Weights(
        request.model,
        initialization=request.initialization,
        seed=request.weights_seed,
        mean=request.mean,
        std=request.std,
    )
    digest = request.parameters_sha256
    if not digest:
        return asked
    if request.run is None:
        for row in SHIPPED.values():
            if row.weights.sha256 == digest:
                return row.weights
        raise LabError("These parameters do not come with this lab; choose another network.")
    run = store.get(request.run)
    for which, file in ((BEST, run.best_file), (LAST, run.checkpoint)):
        if file is not None and file.sha256 == digest:
            return run_weights(run, which)
    raise _changed(run.id)


def _changed(run_id: int) -> LabError:
    return LabError(f"Run {run_id} has other parameters by now; load the page and ask again.")


def trained_run(store: Store, run_id: int, sha256: str = "") -> Trained:
    """A run with its best parameters. Raises LabError where they, with this hash, are not here."""
    run = store.get(run_id)
    path = verified_best(run)
    if sha256 and run.best_file is not None and run.best_file.sha256 != sha256:
        raise _changed(run_id)
    assert run.best_epoch is not None  # as the file is there
    return Trained(run_id, run.best_epoch, run.spec, path)


MEASURES: dict[str, Callable[[Store, Any], Iterator[Partial]]] = {
    LayerTimesRequest.kind: _layer_times,
    ThroughputRequest.kind: _throughput,
    GradientFlowRequest.kind: _gradient_flow,
    PredictRequest.kind: _predict,
    LandscapeRequest.kind: _landscape,
    EmbeddingRequest.kind: _embedding,
}
