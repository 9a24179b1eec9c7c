"""The parameters that a measurement is asked for. Imports no torch."""

from __future__ import annotations

from core.inside.shipped import SHIPPED
from core.inside.weights import Weights
from core.jobs.run_weights import BEST, LAST, other_by_now, run_weights
from core.jobs.store import Store
from core.measure.inside_requests import WeightsRequest
from core.specs import LabError


def requested_weights(store: Store, request: WeightsRequest) -> Weights:
    """Where they are on this machine. Raises LabError where they are not any more."""
    begun = Weights(
        request.model,
        initialization=request.initialization,
        seed=request.seed,
        mean=request.mean,
        std=request.std,
    )
    digest = request.parameters_sha256
    if not digest:
        return begun
    if request.run is None:
        return _shipped(digest)
    run = store.get(request.run)
    for which, file in ((BEST, run.best_file), (LAST, run.checkpoint)):
        if file and file.sha256 == digest:
            return run_weights(run, which)
    raise other_by_now(run.id)


def _shipped(digest: str) -> Weights:
    """Of a network that comes with the lab. Raises LabError where there is none."""
    for row in SHIPPED.values():
        if row.weights.sha256 == digest:
            return row.weights
    raise LabError("These parameters came with another version of the lab; choose them again.")
