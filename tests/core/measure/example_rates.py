"""Range tests whose curves are known, for tests of what is read from them."""

from __future__ import annotations

from collections.abc import Callable
from math import log10

from core.measure.learning_rate_records import LearningRates, Sweep, swept_rates
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.zoo.catalogue import complete

STEPS = 101  # twenty a decade
RUN = RunSpec(  # as Train's form shows it first
    complete(ModelSpec("course-residual", image_size=28)),
    "fashion-mini",
    recipe("fast", 5_000),
    5_000,
)
_Curve = Callable[[float], float]


def measured(*curves: _Curve, diverged: bool = True) -> LearningRates:
    """Sweeps in which each rate has the loss that its curve says."""
    losses = [tuple(curve(rate) for rate in swept_rates(STEPS)) for curve in curves]
    sweeps = tuple(Sweep(seed, each, diverged) for seed, each in enumerate(losses))
    return LearningRates(RUN.to_json(), 1.0, "a machine", STEPS, sweeps)


def valley(lowest: float, depth: float = 1.5) -> _Curve:
    """A loss of 2 that falls in a straight line over a decade to `lowest`, and rises after it."""
    return lambda rate: 2 - depth * max(0.0, 1 - abs(log10(rate / lowest)))


FOUND = measured(valley(10**-0.5), valley(10**-1.5), valley(0.1))
