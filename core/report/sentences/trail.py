"""What the trail of a training shows, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from core.report import formats
from core.training.records import EpochMetrics
from core.training.trail_records import Trail


def replay_finding(trail: Trail, names: Sequence[str]) -> str:
    """How many of the images were right before and are right now, and which came last."""
    first, last = trail.moments[0], trail.moments[-1]
    if first.probabilities is None or last.probabilities is None:
        return "The predictions of these images were not kept: too many classes for a trail."
    rights = [
        (moment.probabilities.argmax(1) == trail.labels)  # type: ignore[union-attr]
        for moment in trail.moments
    ]
    count = len(trail.images)
    when = "before training" if first.epoch == 0 else f"after epoch {first.epoch}"
    text = (
        f"The network has {int(rights[0].sum())} of {count} fixed test images right {when},"
        f" {int(rights[-1].sum())} after epoch {last.epoch}."
    )
    settled = {  # image → from which kept epoch on it was always right
        index: next(
            moment.epoch
            for at, moment in enumerate(trail.moments)
            if all(right[index] for right in rights[at:])
        )
        for index in range(count)
        if rights[-1][index]
    }
    if len(rights) > 1 and settled:
        index, epoch = max(settled.items(), key=lambda item: item[1])
        if epoch > first.epoch:
            text += f" {names[trail.labels[index]]} came last: right from epoch {epoch} on."
    return text


def curve_text(epochs: Sequence[EpochMetrics]) -> str:
    """The accuracy curve for who does not see it."""
    if not epochs:
        return "Accuracy by epoch: no epoch has ended yet."
    first, last = epochs[0], epochs[-1]
    return (
        f"Accuracy by epoch: on the test images {formats.percent(first.test_accuracy)} after epoch"
        f" {first.epoch}, {formats.percent(last.test_accuracy)} after epoch {last.epoch}."
    )
