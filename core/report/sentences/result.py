"""What a finished run has reached, against guessing and against what others published."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from core.data.catalogue import find_dataset, train_images_of
from core.jobs.store import Run
from core.language import N_, _, ngettext
from core.report import formats
from core.specs import LabError, RunSpec
from core.studies.published import PUBLISHED, PublishedRun
from core.training.records import EpochMetrics
from core.zoo.catalogue import complete

_EXACT = 1e-9  # differences below are none


def result_sentences(run: Run, epochs: Sequence[EpochMetrics]) -> list[str]:
    """A sentence on its last epoch; where somebody published the same run, one on that too.

    Before the first epoch what guessing reaches.
    """
    with suppress(LabError):  # a data set, or a network, of another lab
        data = find_dataset(run.spec.dataset)
        even = formats.percent(1 / len(data.class_names))
        if not epochs:
            return [_("By guessing {even} of the test images are right.", even=even)]
        last = epochs[-1]
        told = [
            ngettext(
                "After {number:,} epoch {accuracy} of the test images are right, by guessing"
                " {even}.",
                "After {number:,} epochs {accuracy} of the test images are right, by guessing"
                " {even}.",
                last.epoch,
                accuracy=formats.percent(last.test_accuracy),
                even=even,
            )
        ]
        published = published_like(run.spec)
        return told + ([_beside(last.test_accuracy, published)] if published else [])
    return []


def published_like(spec: RunSpec) -> PublishedRun | None:
    """What was published of this network on all of these images, for as many epochs."""
    info = find_dataset(spec.dataset)
    if train_images_of(spec) != info.train_images:
        return None
    wanted = (complete(spec.model), spec.dataset, spec.recipe.name, spec.recipe.epochs)
    for row in PUBLISHED:
        if (complete(row.model), row.dataset, row.recipe, row.epochs) == wanted:
            return row
    return None


def _beside(accuracy: float, published: PublishedRun) -> str:
    """How far it is from the published figure, and whether one run can tell that."""
    difference = accuracy - published.final
    if abs(difference) <= published.interval + _EXACT:
        template = N_(
            "With the same network, data and recipe {accuracy} were published ({source}): no"
            " difference that one run can show (95 % interval ± {interval} points)."
        )
    elif difference > 0:
        template = N_(
            "With the same network, data and recipe {accuracy} were published ({source}): this run"
            " is {points} points above that (95 % interval ± {interval} points)."
        )
    else:
        template = N_(
            "With the same network, data and recipe {accuracy} were published ({source}): this run"
            " is {points} points below that (95 % interval ± {interval} points)."
        )
    return _(
        template,
        accuracy=formats.percent(published.final),
        source=_(published.source),
        points=formats.points(abs(difference)),
        interval=formats.points(published.interval),
    )
