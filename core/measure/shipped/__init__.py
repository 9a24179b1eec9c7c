"""Measurements that come with the lab, so that a page has evidence before anything is measured.

Each is a request and its result as this lab's own worker wrote it, with the machine in it. Written
by `python -m tools.make_shipped_measurements`. Imports no torch.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.data.catalogue import find_dataset
from core.inside.shipped import SHIPPED
from core.measure.gradient_records import (
    BATCH_NORMS,
    BATCH_SIZE,
    DEPTHS,
    SHORTCUTS,
    deep_net,
    variations,
)
from core.measure.inside_requests import (
    EffectiveFieldRequest,
    LandscapeRequest,
    MissingPartsRequest,
)
from core.measure.request import Request
from core.measure.requests import GradientFlowRequest, LearningRatesRequest, ThroughputRequest
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.zoo.catalogue import complete

_FOLDER = Path(__file__).parent
_IMAGES = 5_000  # of fashion-mini, which also comes with the lab

GRADIENTS = GradientFlowRequest(
    tuple(
        variations(
            complete(deep_net(DEPTHS[-1], SHORTCUTS[0], batch_norm=True)),
            (DEPTHS[0], DEPTHS[-1]),
            SHORTCUTS,
            BATCH_NORMS["both"],
        )
    ),
    "fashion-mini",
    seeds=3,
    initialization="default",
    batch_size=BATCH_SIZE,
)
THROUGHPUT = ThroughputRequest(
    RunSpec(
        complete(ModelSpec("course-residual", image_size=28)),
        "fashion-mini",
        recipe("fast", _IMAGES),
        _IMAGES,
    ),
    batch_sizes=(32, 64, 128),
    devices=("cpu",),
)
LEARNING_RATES = LearningRatesRequest(THROUGHPUT.run)
_EPOCHS = 2  # of the course nets around which the loss is computed
_DEEP_EPOCHS = 6  # of the deep ones, which begin slowly
_RATIO = 4  # of the deep ones, which then train in a minute or two


def _landscape(models: Sequence[ModelSpec], epochs: int, images: int) -> LandscapeRequest:
    """Around short trainings that the measurement does itself."""
    how = recipe("one-cycle", _IMAGES, epochs)
    runs = tuple(RunSpec(complete(model), "fashion-mini", how, _IMAGES) for model in models)
    return LandscapeRequest((), runs, images=images)


COURSE_LANDSCAPE = _landscape(
    [
        ModelSpec("course-residual", image_size=28, options=(("shortcut", shortcut),))
        for shortcut in ("none", "identity", "constant-scaling", "conv")
    ],
    _EPOCHS,
    images=1_000,
)
DEEP_LANDSCAPE = _landscape(
    [deep_net(56, shortcut, batch_norm=True, ratio=_RATIO) for shortcut in ("none", "identity")],
    _DEEP_EPOCHS,
    images=300,  # each takes ten times as long as through a course net
)


def _missing(name: str) -> MissingPartsRequest:
    """What a network that comes with the lab keeps without each of its blocks."""
    row = SHIPPED[name]
    weights = row.weights
    return MissingPartsRequest(
        weights.spec,
        row.data.name,
        None,
        weights.sha256,
        weights.initialization,
        weights.seed,
        weights.mean,
        weights.std,
        level="blocks",
    )


MISSING = {name: _missing(name) for name in ("residual", "plain")}
LAST_WINDOW = EffectiveFieldRequest(
    complete(ModelSpec("vgg11", 4, 96)),
    "fashion-mini",
    None,
    "",
    "default",
    0,
    find_dataset("fashion-mini").mean,
    find_dataset("fashion-mini").std,
    layer="block5.pool",
)
REQUESTS: dict[str, Request] = {
    "gradients": GRADIENTS,
    "throughput": THROUGHPUT,
    "learning-rates": LEARNING_RATES,
    "landscape-course": COURSE_LANDSCAPE,
    "landscape-deep": DEEP_LANDSCAPE,
    "window-96": LAST_WINDOW,
    **{f"missing-{name}": request for name, request in MISSING.items()},
}


def shipped_result(request: Request) -> dict[str, Any] | None:
    """What was measured elsewhere for the same request; None where nothing comes with the lab."""
    for name, known in REQUESTS.items():
        if (known.kind, known.what()) == (request.kind, request.what()):
            return _result(name)
    return None


@lru_cache
def _result(name: str) -> dict[str, Any] | None:
    path = file_of(name)
    if not path.exists():
        return None
    result: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return result


def file_of(name: str) -> Path:
    """Where the result of the request of this name is kept."""
    return _FOLDER / f"{name}.json.gz"
