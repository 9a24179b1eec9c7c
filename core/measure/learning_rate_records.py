"""What a learning-rate range test finds, and what is read from its curve. Imports no torch.

The test is Smith's (arXiv 1506.01186, section 3.3), as Gugger and fastai take it: the rate grows
by the same factor from step to step, and a loss far above its best ends the sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from math import inf, isfinite
from statistics import mean, median
from typing import Any

from core.measure.gradient_records import Spread
from core.specs import MAX_SEED, check_whole

# The recipes' rates are 0.01 to 0.1. At the lowest rate here the steps of a sweep hardly move the
# loss, at the highest a network loses what it has learned.
LOWEST, HIGHEST = 1e-4, 10.0
NOT_FOLLOWED = ("learning_rate", "schedule", "epochs")  # of a recipe: a sweep has its own rates
# Half as many move the rise of the course nets by factors of two and more, as the network is still
# untrained where it explodes; twice as many do not.
STEPS = 200  # of a sweep
SWEEPS = 3  # where there is time for them, each with a seed of its own, for the spread
_LEAST_STEPS, _MOST_STEPS, _MOST_SWEEPS = 50, 2_000, 20  # that can be asked for
_MEMORY = 0.05  # of a sweep: over so many steps a loss fades to 1/e
_DIVERGED = 4.0  # times the best average: as in fastai
_LEARNED = 0.05  # of the first loss; a smaller fall is noise
_GIVEN_BACK = 0.1  # of the fall, from which on the loss has risen


@dataclass(frozen=True)
class Sweep:
    """One training from a fresh network, with one more rate at each step."""

    seed: int
    losses: tuple[float, ...]  # mean cross-entropy in nats of each batch, before its step
    diverged: bool = False  # whether it ended before the highest rate


@dataclass(frozen=True)
class Reading:
    """What the smoothed curve of one sweep says."""

    seed: int
    steps: int  # that were taken
    steepest: float | None  # rate at which the loss falls fastest; None: it does not fall
    rise: float | None  # rate from which on the loss rises; None: it does not
    lowest_loss: float


@dataclass(frozen=True)
class LearningRates:
    """Several sweeps of a network over the same rates, as measured on one machine."""

    spec: str  # the RunSpec as JSON, of which rate, schedule and epochs play no part
    share: float  # of the measurement that is done, 0 to 1
    machine: str
    steps: int  # of a sweep that does not diverge
    sweeps: tuple[Sweep, ...]

    @property
    def rates(self) -> list[float]:
        """Of the steps."""
        return swept_rates(self.steps)

    def smoothed(self, sweep: Sweep) -> list[float]:
        """Its losses, each averaged with its neighbors."""
        return smoothed(sweep.losses, self.steps)

    @property
    def over(self) -> list[Sweep]:
        """Those that are over: nothing is read from the others."""
        return [sweep for sweep in self.sweeps if sweep.diverged or len(sweep.losses) == self.steps]

    @property
    def mean_curve(self) -> list[float]:
        """Over the sweeps that are over, at each rate that all of them have reached."""
        return [mean(losses) for losses in zip(*map(self.smoothed, self.over), strict=False)]

    @property
    def readings(self) -> list[Reading]:
        """What the curve of each sweep says that is over."""
        rates, readings = self.rates, []
        for sweep in self.over:
            losses = self.smoothed(sweep)
            falls, rises = steepest_step(losses), rise_step(losses, sweep.diverged)
            readings.append(
                Reading(
                    sweep.seed,
                    len(losses),
                    None if falls is None else rates[falls],
                    None if rises is None else rates[rises],
                    min(losses),
                )
            )
        return readings

    @property
    def rise(self) -> Spread | None:
        """Where the loss begins to rise, over the sweeps; None where it does so in none."""
        return _spread([reading.rise for reading in self.readings])

    @property
    def steepest(self) -> Spread | None:
        """Where the loss falls fastest, over the sweeps; None where it falls in none."""
        return _spread([reading.steepest for reading in self.readings])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LearningRates:
        """The inverse of `to_dict`."""
        sweeps = tuple(
            Sweep(sweep["seed"], tuple(sweep["losses"]), sweep["diverged"])
            for sweep in values["sweeps"]
        )
        return cls(**(dict(values) | {"sweeps": sweeps}))


def _spread(rates: Sequence[float | None]) -> Spread | None:
    """Of those that are there."""
    found = [rate for rate in rates if rate is not None]
    return Spread(median(found), min(found), max(found)) if found else None


def swept_rates(steps: int) -> list[float]:
    """From the lowest to the highest, each the same factor above the one before."""
    return [LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1)) for step in range(steps)]


def seeds_of(first: int, sweeps: int) -> list[int]:
    """The seeds of so many sweeps, from this one on."""
    return [(first + number) % (MAX_SEED + 1) for number in range(sweeps)]


def until_it_diverges(losses: Iterator[float], steps: int) -> Iterator[float]:
    """The losses of a sweep, until one is no number or their average is far above its best.

    The average is exponential and bias-corrected, over the losses so far.
    """
    keep, total, weight, best = _kept(steps), 0.0, 0.0, inf
    for loss in losses:
        if not isfinite(loss):
            return
        yield loss
        total, weight = keep * total + loss, keep * weight + 1
        best = min(best, total / weight)
        if total / weight > _DIVERGED * best:
            return


def smoothed(losses: Sequence[float], steps: int) -> list[float]:
    """Exponential averages over the losses on both sides, bias-corrected.

    Averages over those before alone, as fastai draws them, come late: everything they show stands
    at nearly twice its rate. A loss above all of the untrained network counts as the highest of
    those, so that the first of an explosion does not color what was before it.
    """
    if not losses:
        return []
    keep = _kept(steps)
    untrained = max(losses[: max(1, round(_MEMORY * steps))])
    sums = _both_sides([min(loss, untrained) for loss in losses], keep)
    weights = _both_sides([1.0] * len(losses), keep)
    return [total / weight for total, weight in zip(sums, weights, strict=True)]


def _kept(steps: int) -> float:
    """What of an average's sum is left after the next step."""
    return 1 - 1 / max(2.0, _MEMORY * steps)


def _both_sides(values: Sequence[float], keep: float) -> list[float]:
    """For each value the sum of all, which fade with their distance."""

    def so_far(values: Sequence[float]) -> list[float]:
        return list(accumulate(values, lambda total, value: keep * total + value))

    before, behind = so_far(values), so_far(values[::-1])[::-1]
    return [b + a - value for b, a, value in zip(before, behind, values, strict=True)]


def rise_step(losses: Sequence[float], diverged: bool) -> int | None:
    """The step with the lowest of these smoothed losses, where the loss rises after it.

    None where it never fell, or has not risen: a lowest loss at the end may be passed yet.
    """
    step = _lowest_step(losses)
    if step is None:
        return None
    given_back = (max(losses[step:]) - losses[step]) / (losses[0] - losses[step])
    return step if diverged or given_back > _GIVEN_BACK else None


def steepest_step(losses: Sequence[float]) -> int | None:
    """The step after which these smoothed losses fall most, before their lowest; None: none does.

    Twice as many steps halve its rate, for by then the loss has gone as far: it says how fast the
    sweep was, not what rate is good.
    """
    end = _lowest_step(losses)
    return end and min(range(end), key=lambda step: losses[step + 1] - losses[step])


def _lowest_step(losses: Sequence[float]) -> int | None:
    """Where the loss is lowest; None where it has hardly fallen so far."""
    lowest = min(losses, default=0.0)
    return losses.index(lowest) if losses and lowest < (1 - _LEARNED) * losses[0] else None


def check_sweeps(steps: int, sweeps: int | None) -> None:
    """Raise LabError unless so many steps of so many sweeps can be measured."""
    check_whole("steps", steps, _LEAST_STEPS, _MOST_STEPS)
    if sweeps is not None:
        check_whole("sweeps", sweeps, 1, _MOST_SWEEPS)
