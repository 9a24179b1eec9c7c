"""What a learning-rate range test says of a recipe's rate, in words. Imports no torch."""

from __future__ import annotations

from math import floor, log10

from core.language import N_, _, ngettext
from core.measure.gradient_records import Spread
from core.measure.learning_rate_records import HIGHEST, LOWEST, LearningRates
from core.report import formats
from core.specs import Recipe

# How far below the rise; a constant rate: Bengio, arXiv 1206.5533, section 3.1. It fits the course
# nets: on 20,000 images of MNIST peaks of 0.1 to 0.2 were best, and constant rates of 0.05 to 0.1.
_ROOM = {"one-cycle": 1.0, "constant": 2.0}
_NEAR = 1.2  # the factor up to which two rates are as good as one: seeds differ by more
_ROUND = (7, 5, 3, 2, 1.5, 1, 0.7)  # digits that a suggested rate begins with


def rise_finding(found: LearningRates) -> str:
    """What the curves of the sweeps that are over show, as their title."""
    if not found.over:
        return _("The loss at rising learning rates")
    if found.steepest is None:
        return _("The loss falls at none of these learning rates")
    if found.rise is None:
        return _("The loss rises at none of these learning rates")
    return _("The loss begins to rise at {rate}", rate=rate_text(found.rise.median))


def suggested_rate(found: LearningRates, schedule: str) -> float | None:
    """A round rate with the room that its schedule needs below where the loss begins to rise.

    None where it does not rise.
    """
    if found.rise is None:
        return None
    most = found.rise.median / _ROOM[schedule] * (1 + 1e-9)  # a swept 0.1 is a little less
    power = 10.0 ** floor(log10(most))
    digits = next(digits for digits in _ROUND if digits * power <= most)
    return float(f"{digits * power:.2g}")


def rate_verdict(found: LearningRates, recipe: Recipe) -> list[str]:
    """Sentences: how far the recipe's rate is from where the loss begins to rise; which is not.

    None before a sweep is over.
    """
    if not found.over:
        return []
    if found.steepest is None:
        return [
            _(
                "In {steps} steps the network learns nothing at any rate from {low} to {high}: its"
                " initialization or its images are what to look at first.",
                steps=found.steps,
                low=rate_text(LOWEST),
                high=rate_text(HIGHEST),
            )
        ]
    rate = suggested_rate(found, recipe.schedule)
    if found.rise is None or rate is None:
        return [_("No rate up to {high} is too large here.", high=rate_text(HIGHEST))]
    template = (
        N_("The peak of one-cycle may come close to that, such as {rate}.")
        if recipe.schedule == "one-cycle"
        else N_("A constant rate does best at about half of that, such as {rate}.")
    )
    risen = sum(reading.rise is not None for reading in found.readings)
    distance = _distance(found.rise, recipe.learning_rate, risen)
    return [distance, _(template, rate=rate_text(rate))]


def _distance(rise: Spread, own: float, seeds: int) -> str:
    """The recipe's rate beside those at which the loss of the seeds begins to rise."""
    values = {
        "own": rate_text(own),
        "factor": formats.scientific(max(own / rise.median, rise.median / own)),
        "rise": _rise_text(rise, seeds),
    }
    if own * _NEAR < rise.median:
        template = N_(
            "The recipe's {own} lies a factor {factor} below where the loss begins to rise"
            " ({rise})."
        )
    elif own > rise.median * _NEAR:
        template = N_(
            "The recipe's {own} lies a factor {factor} above where the loss begins to rise"
            " ({rise}): it may diverge."
        )
    else:
        template = N_("The recipe's {own} lies where the loss begins to rise ({rise}).")
    return _(template, **values)


def _rise_text(rise: Spread, seeds: int) -> str:
    """`0.16; 0.14 to 0.18 over 3 seeds`."""
    if seeds == 1:
        return rate_text(rise.median)
    return _(
        "{rate}; {low} to {high} over {seeds} seeds",
        rate=rate_text(rise.median),
        low=rate_text(rise.low),
        high=rate_text(rise.high),
        seeds=seeds,
    )


def rate_limits(found: LearningRates) -> list[str]:
    """Sentences on what the test cannot tell. None before a sweep is over."""
    if not found.over:
        return []
    told = [
        ngettext(
            "It has seen the first {steps} steps of {number} seed, one at each rate: a rate at"
            " which the loss still falls here may diverge later, and a run that begins slowly, as"
            " one-cycle does, may take a larger one.",
            "It has seen the first {steps} steps of {number} seeds, one at each rate: a rate at"
            " which the loss still falls here may diverge later, and a run that begins slowly, as"
            " one-cycle does, may take a larger one.",
            len(found.over),
            steps=found.steps,
        )
    ]
    if found.steepest is not None:
        told.append(
            _(
                "Where the loss falls fastest ({rate}) is no advice: with twice as many steps it is"
                " at about half of that rate.",
                rate=rate_text(found.steepest.median),
            )
        )
    return told


def rate_text(rate: float) -> str:
    """Two digits: 0.14, 10, 1.2 × 10⁻⁵."""
    return formats.scientific(rate)
