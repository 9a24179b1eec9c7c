"""What the trail of a training shows, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import N_, _, paragraph
from core.report import formats
from core.training.records import EpochMetrics
from core.training.trail_records import Trail


def replay_finding(trail: Trail, names: Sequence[str]) -> str:
    """How many of the images were right before and are right now, and which came last."""
    first, last = trail.moments[0], trail.moments[-1]
    if first.probabilities is None or last.probabilities is None:
        return _("The predictions of these images were not kept: too many classes for a trail.")
    rights = [
        (moment.probabilities.argmax(1) == trail.labels)  # type: ignore[union-attr]
        for moment in trail.moments
    ]
    count = len(trail.images)
    template = (
        N_(
            "The network has {before} of {count} fixed test images right before training, {after}"
            " after epoch {last}."
        )
        if first.epoch == 0
        else N_(
            "The network has {before} of {count} fixed test images right after epoch {first},"
            " {after} after epoch {last}."
        )
    )
    found = _(
        template,
        before=int(rights[0].sum()),
        count=count,
        first=first.epoch,
        after=int(rights[-1].sum()),
        last=last.epoch,
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
            latest = _(
                "{name} came last: right from epoch {epoch} on.",
                name=names[trail.labels[index]],
                epoch=epoch,
            )
            return paragraph(found, latest)
    return found


def curve_text(epochs: Sequence[EpochMetrics]) -> str:
    """The accuracy curve for who does not see it."""
    if not epochs:
        return _("Accuracy by epoch: no epoch has ended yet.")
    first, last = epochs[0], epochs[-1]
    return _(
        "Accuracy by epoch: on the test images {first} after epoch {first_epoch}, {last} after"
        " epoch {last_epoch}.",
        first=formats.percent(first.test_accuracy),
        first_epoch=first.epoch,
        last=formats.percent(last.test_accuracy),
        last_epoch=last.epoch,
    )
