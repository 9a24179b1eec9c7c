"""Whether a run has learned anything: its accuracy beside that of guessing."""

from __future__ import annotations

from contextlib import suppress
from math import sqrt

from core.data.catalogue import find_dataset
from core.jobs.records import Run
from core.language import _
from core.report import formats
from core.specs import LabError, RunSpec

_DEVIATIONS = 3.0  # of the binomial spread: what guessing reaches in one of a thousand runs
_MOST_FREQUENT = 1.14  # times the even share: what always saying "1" reaches on MNIST, 11.35 %


def is_guessing(accuracy: float, classes: int, images: int) -> bool:
    """Whether guessing one of `classes` reaches this share of so many test images too."""
    chance = min(1.0, _MOST_FREQUENT / classes)
    return accuracy <= chance + _DEVIATIONS * sqrt(chance * (1 - chance) / images)


def guesses(spec: RunSpec, accuracy: float) -> bool:
    """Whether a run that reached this has learned nothing; never of an unknown data set."""
    with suppress(LabError):
        data = find_dataset(spec.dataset)  # a network may have more outputs than it has classes
        return is_guessing(accuracy, len(data.class_names), data.test_images)
    return False


def has_guessed(run: Run) -> bool:
    """Whether the best epoch of the run is no better than guessing; not before it has one."""
    return run.best_accuracy is not None and guesses(run.spec, run.best_accuracy)


def guessing_sentence(accuracy: float, classes: int) -> str:
    """What to say of such a run, and what may help."""
    return _(
        "It has learned nothing: {chance} is what guessing one of {classes} classes gives, and its"
        " best epoch has {accuracy}. A lower learning rate, BatchNorm or another initialization may"
        " help; a faster device would not.",
        chance=formats.percent(1 / classes),
        classes=classes,
        accuracy=formats.percent(accuracy),
    )
