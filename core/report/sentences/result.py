"""What a finished run has reached, against guessing and against what others published."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from core.data.catalogue import find_dataset, train_images_of
from core.jobs.store import Run
from core.report import formats
from core.report.names import counted
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
            return [f"By guessing {even} of the test images are right."]
        last = epochs[-1]
        told = [
            f"After {counted(last.epoch, 'epoch')} {formats.percent(last.test_accuracy)} of the"
            f" test images are right, by guessing {even}."
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
    known = (
        f"With the same network, data and recipe {formats.percent(published.final)} were published"
        f" ({published.source})"
    )
    interval = f"± {formats.points(published.interval)} points"
    if abs(difference) <= published.interval + _EXACT:
        return f"{known}: no difference that one run can show (95 % interval {interval})."
    points = formats.points(abs(difference))
    if difference > 0:
        return f"{known}: this run is {points} points above that (95 % interval {interval})."
    return f"{known}: this run is {points} points below that (95 % interval {interval})."
