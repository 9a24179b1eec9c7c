"""A training that takes a second, for the tests of the loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache

import torch

from core.analysis import analyze
from core.specs import ModelSpec, RunSpec
from core.training.estimate import (
    Speed,
)
from core.training.recipes import (
    recipe,
)
from core.training.records import TIMES, EpochMetrics, Progress
from core.training.state import Training

RESIDUAL = ModelSpec("course-residual", image_size=28)
TINY = RunSpec(
    ModelSpec("course-residual", ratio=4, image_size=16),
    "fashion-mini",
    recipe("fast", 96, epochs=3, batch_size=32, learning_rate=0.05),
    train_images=96,
)
analysis_of = cache(analyze)
SPEED = Speed((1e9, 4e9, 16e9), 8e9, 1e9, 1e-5, 1e-10)


def epochs(events: Iterable[Progress | EpochMetrics]) -> list[EpochMetrics]:
    return [event for event in events if isinstance(event, EpochMetrics)]


def learnt(rows: list[EpochMetrics]) -> list[dict]:
    """The rows without the times, which no two runs share."""
    return [
        {name: value for name, value in asdict(row).items() if name not in TIMES} for row in rows
    ]


def change(spec: RunSpec, **changes) -> RunSpec:
    """`spec` with another recipe."""
    return replace(spec, recipe=replace(spec.recipe, **changes))


def equal_weights(first: Training, second: Training) -> bool:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())
